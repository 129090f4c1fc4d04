/// Why a text is not the JSON that was asked for.
public struct JSONError: Error, Sendable, CustomStringConvertible {
  public let message: String

  public init(_ message: String) { self.message = message }

  public var description: String { message }
}
