public import BridgeSessions

/// A large result whose memory its giver leaves to the host: it goes to whoever asked without a copy.
///
/// Thread-safe: nobody writes to the memory.
public final class DonatedValue: Sendable {
  /// What the memory holds.
  public enum Content: Sendable {
    case bytes
    /// JSON text of an object, an array or any value.
    case json(ToolType)
    /// Numbers, row-major and little-endian, of an embedding or a tensor.
    case numbers(ValueType, shape: [Int], NumericArray.ElementType)
  }

  /// What the memory holds.
  public let content: Content
  /// The memory.
  public let memory: Blob

  /// Takes memory that has been checked to hold what is said: JSON is read again before it is used, the
  /// number of bytes fits the shape.
  public init(_ content: Content, _ memory: Blob) {
    self.content = content
    self.memory = memory
  }

  /// The name of its type, for messages.
  public var typeName: String {
    switch content {
    case .bytes: "bytes"
    case .json(let type): type.name
    case .numbers(let type, _, _): type.rawValue
    }
  }

  /// The same value in memory of the host's own.
  public var copy: ToolValue {
    switch content {
    case .bytes: .bytes(memory.bytes)
    case .json(let type): .json(memory.bytes, type)
    case .numbers(let type, let shape, let element):
      .value(
        .array(NumericArray(shape: shape, elementType: element, bytes: memory.bytes)), type)
    }
  }
}

extension DonatedValue: Equatable {
  /// Whether both are the same value.
  public static func == (left: DonatedValue, right: DonatedValue) -> Bool {
    left === right || left.copy == right.copy
  }
}
