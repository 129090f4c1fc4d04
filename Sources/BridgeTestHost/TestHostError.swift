/// Why a test host could not do what it was asked for.
///
/// A tool that fails is no such error: see `CallRecord.failure`.
public struct TestHostError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What kind of thing went wrong.
  public enum Kind: String, Sendable {
    /// The plugin cannot be loaded, or refuses to be.
    case loading
    /// The tool cannot be called: there is none of that name, or the arguments are not as it says.
    case calling
    /// The call has not ended in time.
    case stillRunning = "still_running"
    /// A variable cannot be made, read or written.
    case variable
    /// A request makes no sense; see `TestHost.answer`.
    case request
  }

  /// What kind of thing went wrong.
  public let kind: Kind
  /// For a person.
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
