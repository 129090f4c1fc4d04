internal import BridgeProtocol
internal import BridgeSessions
internal import JSON
internal import SwiftProtobuf

/// How the commands print variables and values.
enum VariableListing {
  /// The value alone. Texts stand without quotes, so that a shell can use them.
  static func value(_ variable: Snakepit_Bridge_Variable) -> String {
    let json = json(Array(variable.value.value))
    if case .string(let text) = json, isText(variable.type) { return text }
    return json.text
  }

  /// Whether values of a type are texts, which are written without quotes.
  static func isText(_ type: String) -> Bool {
    ValueType(rawValue: type)?.isText == true
  }

  static func line(_ variable: Snakepit_Bridge_Variable) -> String {
    let value = json(Array(variable.value.value)).text
    return "\(variable.name) = \(value)  (\(variable.type), version \(variable.version))"
  }

  static func json(_ variable: Snakepit_Bridge_Variable) -> JSON {
    .object([
      .init(key: "id", value: .string(variable.id)),
      .init(key: "name", value: .string(variable.name)),
      .init(key: "type", value: .string(variable.type)),
      .init(key: "value", value: json(Array(variable.value.value))),
      .init(key: "constraints", value: json(Array(variable.constraintsJson.utf8))),
      .init(key: "metadata", value: json(variable.metadata)),
      .init(key: "version", value: .integer(Int64(variable.version))),
      .init(key: "revision", value: .integer(variable.revision)),
      .init(key: "updated_at", value: .string(time(variable.lastUpdatedAt))),
    ])
  }

  static func json(_ metadata: [String: String]) -> JSON {
    .object(
      metadata.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) })
  }

  /// JSON as the host sent it; what is none becomes a string.
  static func json(_ bytes: [UInt8]) -> JSON {
    if bytes.isEmpty { return .null }
    return (try? JSON(parsing: bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
  }

  static func time(_ time: Google_Protobuf_Timestamp) -> String {
    Timestamp.text(time.seconds * 1_000_000_000 + Int64(time.nanos))
  }
}
