public import BridgeSessions

/// The type of a parameter or result, under its name on the wire.
public enum ToolType: Sendable, Hashable {
  /// One of the eight variable types.
  case value(ValueType)
  case object
  case array
  case bytes
  /// Any JSON.
  case any

  /// - Returns: nil for a name that is no type.
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

  /// The name on the wire.
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
