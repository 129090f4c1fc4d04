/// Bytes as a parameter, a result or a streamed chunk.
public struct Bytes: Sendable, Hashable, ToolValueConvertible {
  /// The content.
  public var bytes: [UInt8]

  /// Wraps bytes.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Bytes.
  public static var valueType: ValueType { .bytes }
  /// No bytes.
  public static var placeholder: Bytes { Bytes([]) }

  /// Reads bytes.
  public init?(toolValue: ToolValue) {
    guard case .bytes(let bytes) = toolValue else { return nil }
    self = bytes
  }

  /// Bytes.
  public var toolValue: ToolValue { .bytes(self) }
}
