internal import BridgeSessions
internal import GRPC

extension BridgeService {
  /// Answers a request that may search for patterns of clients.
  ///
  /// What it throws becomes a status, but for `SearchInterruption`.
  typealias SearchingHandler =
    @Sendable (
      _ bytes: [UInt8], _ call: ServerCall, _ searches: inout SearchBudget
    ) throws -> [UInt8]

  /// An RPC that is answered at once if its patterns are quickly searched for. Otherwise it begins anew on
  /// a thread that may take its time, for as long as the call is open.
  func searching(_ path: String, _ handler: @escaping SearchingHandler) -> RPCMethod {
    .unary(path) { bytes, call throws(RPCError) in
      do {
        var searches = SearchBudget.brief
        return try handler(bytes, call, &searches)
      } catch SearchInterruption.needsTime {
        throw call.offloadingAnswer(holding: bytes.count) { () throws(RPCError) in
          try mappingErrors {
            var searches = SearchBudget.long { call.isClosed }
            return try handler(bytes, call, &searches)
          }
        }
      } catch {
        throw RPCError(mapping: error)
      }
    }
  }
}
