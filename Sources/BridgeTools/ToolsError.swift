/// Why a tool cannot be called, registered or scheduled. What a tool itself fails with is a
/// `ToolFailure`.
public struct ToolsError: Error, Sendable, CustomStringConvertible {
  /// What kind of error it is. Cases are appended, never changed.
  public enum Code: Sendable, Equatable, CaseIterable {
    /// No tool of that name is there.
    case toolNotFound
    /// A parameter is missing, unknown, or has a value that the tool does not take.
    case invalidParameter
    /// Too many calls run and wait.
    case limitReached
    /// A tool of that name is there already.
    case nameTaken
    /// The call cannot be made from where it was asked for.
    case failedPrecondition
    /// A JSON Schema that a tool or a plugin declares is none.
    case invalidSchema
    /// The call would have to wait for its turn until after its deadline.
    case hopelessDeadline
    /// No plugin of that name is there.
    case pluginNotFound
  }

  /// The kind of error.
  public var code: Code
  /// Whether a limit of load refused it, before anything was done: the same may succeed a little later.
  public var isTransient: Bool
  /// A sentence for a person: what was wrong, and with which value.
  public var message: String
  /// Facts for programs, such as the parameter's name.
  public var details: [String: String]

  /// An error.
  public init(
    _ code: Code, _ message: String, details: [String: String] = [:], isTransient: Bool = false
  ) {
    self.code = code
    self.isTransient = isTransient
    self.message = message
    self.details = details
  }

  public var description: String { message }

  /// So many calls of the same client wait that a call would come after its deadline.
  package static func hopeless(_ call: ToolCall) -> ToolsError {
    ToolsError(
      .hopelessDeadline,
      "the turn of \(call.tool.name) would come after the call's deadline, so many calls of the same client "
        + "wait before it",
      details: ["tool": call.tool.name])
  }
}
