public import BridgeSessions

/// An argument that a tool hands to another one.
public struct GivenArgument: ArgumentSource, Sendable {
  /// The parameter it is for.
  public let name: String
  /// What the tool gives.
  public let given: ToolValue

  /// An argument.
  public init(name: String, given: ToolValue) {
    self.name = name
    self.given = given
  }

  /// Converts it, as far as nothing is lost.
  public func value(as type: ValueType) throws -> Value { try given.converted(to: type) }

  /// Its JSON; bytes have none.
  public func json() throws -> [UInt8] {
    switch given {
    case .null: Array("null".utf8)
    case .value(let value, let type): value.json(as: type)
    case .json(let text, _): text
    case .bytes: throw SessionError(.invalidValue, "expected JSON, got bytes")
    case .donated(let value): try GivenArgument(name: name, given: value.copy).json()
    }
  }

  /// Its bytes, if it is bytes.
  public func bytes() throws -> [UInt8] {
    switch given {
    case .bytes(let bytes): return bytes
    case .donated(let value): return try GivenArgument(name: name, given: value.copy).bytes()
    default: throw SessionError(.invalidValue, "expected bytes, got \(given.typeName)")
    }
  }
}
