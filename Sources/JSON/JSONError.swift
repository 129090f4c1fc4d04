/// Why a text is not the JSON that was asked for.
public struct JSONError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, for a person.
  public let message: String

  /// Makes an error of one line.
  public init(_ message: String) { self.message = message }

  public var description: String { message }
}
