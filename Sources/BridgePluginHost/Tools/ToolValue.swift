public import BridgeSessions

/// What crosses between a client and a tool: a variable's value, JSON, or bytes.
public enum ToolValue: Sendable, Equatable {
  case null
  case value(Value, ValueType)
  /// JSON text that has been checked.
  case json([UInt8], ToolType)
  case bytes([UInt8])
}

/// The type of a parameter or result, under its name on the wire.
public enum ToolType: Sendable, Hashable {
  case value(ValueType)
  case object
  case array
  case bytes
  case any

  public init?(name: String) {
    switch name {
    case "object": self = .object
    case "array": self = .array
    case "bytes": self = .bytes
    case "any": self = .any
    default:
      guard let type = ValueType(rawValue: name) else { return nil }
      self = .value(type)
    }
  }

  public var name: String {
    switch self {
    case .value(let type): type.rawValue
    case .object: "object"
    case .array: "array"
    case .bytes: "bytes"
    case .any: "any"
    }
  }
}
