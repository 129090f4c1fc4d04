/// Why a state directory cannot be used.
public struct StorageError: Error, Sendable, CustomStringConvertible {
  /// What was wrong, for a person.
  public let message: String

  init(_ message: String) { self.message = message }

  public var description: String { message }
}
