package import GRPCProtobuf

/// The methods of `bridge_host.v1.SessionAdminService`, in the order of the .proto. See
/// `BridgeMethods`.
package enum SessionAdminMethods {
  /// The service's full name.
  package static let service = "bridge_host.v1.SessionAdminService"

  /// Counts of the whole host.
  package static let getStatistics = ProtobufMethod<
    BridgeHost_V1_GetStatisticsRequest, BridgeHost_V1_GetStatisticsResponse
  >(service, "GetStatistics")
  /// Lists sessions, by id.
  package static let listSessions = ProtobufMethod<
    BridgeHost_V1_ListSessionsRequest, BridgeHost_V1_ListSessionsResponse
  >(service, "ListSessions")
  /// Writes a session, with its variables, their past versions and dependencies, as one JSON text in
  /// pieces.
  package static let exportSession = ProtobufMethod<
    BridgeHost_V1_ExportSessionRequest, BridgeHost_V1_ExportSessionResponse
  >(service, "ExportSession", .serverStream)
  /// Makes a session from such a text. Versions and revisions go on from where they were; the epoch is
  /// a new one. ALREADY_EXISTS when the id is taken.
  package static let importSession = ProtobufMethod<
    BridgeHost_V1_ImportSessionRequest, BridgeHost_V1_ImportSessionResponse
  >(service, "ImportSession", .clientStream)

  /// All of them.
  package static let all: [MethodSignature] = [
    getStatistics.signature, listSessions.signature, exportSession.signature,
    importSession.signature,
  ]
}
