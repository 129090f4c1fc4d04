/// Why bytes are not the array they are said to be.
public struct BinaryFormatError: Error, Sendable, CustomStringConvertible {
  /// The kind of the error.
  public enum Code: Sendable {
    /// The bytes break the rules of their format, or hold something else than numbers.
    case malformed
    /// They do not fit their description.
    case mismatch
    /// They would take more memory than is allowed.
    case tooLarge
  }

  /// The kind of the error.
  public let code: Code
  /// What was wrong and where, and what was expected, for a person.
  public let message: String

  public var description: String { message }

  init(_ code: Code, _ format: BinaryFormat, _ message: String) {
    self.code = code
    self.message = "\(format.rawValue) value: \(message)"
  }

  /// - Parameter position: Offset in bytes of what is wrong.
  init(_ code: Code, _ format: BinaryFormat, at position: Int, _ message: String) {
    self.init(code, format, "byte \(position): \(message)")
  }

  /// Malformed bytes.
  init(_ format: BinaryFormat, at position: Int, _ message: String) {
    self.init(.malformed, format, at: position, message)
  }
}
