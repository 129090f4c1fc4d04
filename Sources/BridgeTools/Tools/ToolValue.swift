public import BridgeSessions

/// What crosses between a client and a tool: a variable's value, JSON, or bytes.
public enum ToolValue: Sendable, Equatable {
  case null
  case value(Value, ValueType)
  /// JSON text that has been checked.
  case json([UInt8], ToolType)
  case bytes([UInt8])
  /// A result that is not copied.
  case donated(DonatedValue)

  /// The name of its type, for messages.
  public var typeName: String {
    switch self {
    case .null: "null"
    case .value(_, let type): type.rawValue
    case .json(_, let type): type.name
    case .bytes: "bytes"
    case .donated(let value): value.typeName
    }
  }

  /// About how many bytes it has.
  var byteCount: Int {
    switch self {
    case .null: 0
    case .value(.string(let text), _): text.utf8.count
    case .value(.array(let array), _): array.bytes.count
    case .value: 8
    case .json(let bytes, _), .bytes(let bytes): bytes.count
    case .donated(let value): value.memory.count
    }
  }

  /// This value in memory of the host's own: a copy of what was donated.
  public var owned: ToolValue { if case .donated(let value) = self { value.copy } else { self } }

  /// This value as one of a variable's type, as far as nothing is lost.
  ///
  /// - Throws: `SessionError` with code `invalidValue`.
  public func converted(to type: ValueType) throws -> Value {
    switch (self, type) {
    case (.value(.integer(let integer), _), .float):
      if Int64(exactly: Double(integer)) == integer { return .float(Double(integer)) }
      throw SessionError(.invalidValue, "the integer \(integer) is not a float without rounding")
    case (.value(.float(let number), _), .integer):
      if let integer = Int64(exactly: number) { return .integer(integer) }
    case (.value(.string(let text), _), _) where type.isText: return .string(text)
    case (.value(.array(let array), _), .embedding) where array.shape.count == 1:
      return .array(array)
    case (.value(.array(let array), _), .tensor): return .array(array)
    case (.value(let value, let own), _) where own == type: return value
    case (.json(let text, _), _): return try Value(json: text, as: type)
    case (.donated(let value), _): return try value.copy.converted(to: type)
    default: break
    }
    throw SessionError(
      .invalidValue, "expected a value of type \(type.rawValue), got \(typeName)")
  }
}
