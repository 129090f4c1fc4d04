internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import SwiftProtobuf

extension VariableFacts {
  /// A version of a variable as another host tells it.
  ///
  /// - Throws: `SessionError` for what this host cannot read.
  init(_ variable: Snakepit_Bridge_Variable) throws {
    guard let type = ValueType(name: variable.type) else {
      throw SessionError(
        .unsupported, "\(variable.name) has the type \"\(variable.type)\", which is not known here")
    }
    let payload = try Payload(
      typeURL: variable.value.typeURL, value: Array(variable.value.value),
      binary: Array(variable.binaryValue), as: type)
    let metadata = VariableMetadata(variable.metadata)
    self.init(
      id: variable.id, name: variable.name, type: type, value: payload.value,
      version: variable.version, revision: variable.revision,
      updatedAt: variable.lastUpdatedAt.nanoseconds,
      writer: metadata["source"] ?? variable.source.writer,
      constraintsJSON: variable.constraintsJson, metadata: metadata)
  }
}

extension Snakepit_Bridge_Variable.Source {
  fileprivate var writer: String {
    switch self {
    case .elixir: Variable.Source.elixir.rawValue
    case .python: Variable.Source.python.rawValue
    case .host: Variable.Source.host.rawValue
    case .plugin: Variable.Source.plugin.rawValue
    case .UNRECOGNIZED: ""
    }
  }
}

extension Google_Protobuf_Timestamp {
  /// Since 1970.
  var nanoseconds: Int64 { seconds * 1_000_000_000 + Int64(nanos) }
}
