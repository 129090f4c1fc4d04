internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import GRPC

extension BridgeService {
  /// Tells a peer of a request that was answered well, before the answer goes out.
  typealias PeerNews =
    @Sendable (
      _ peer: any SessionPeer, _ session: String, _ request: [UInt8],
      _ done: @escaping @Sendable () -> Void
    ) -> Void

  /// An RPC about a session of which a peer is told, where there is one.
  ///
  /// - Parameter handler: Of a request whose first field is the session's id.
  func toldToPeer(
    _ path: String, _ handler: @escaping RPCMethod.InlineHandler, _ tell: @escaping PeerNews
  ) -> RPCMethod {
    guard let peer = tools.peer else { return answeredWhenStored(.unary(path, handler)) }
    return .oneRequest(path) { [self] call in
      PeerAnswer(call: call, handler: handler) { request, answer in
        let session = try? Snakepit_Bridge_CleanupSessionRequest(serializedBytes: request)
        tell(peer, session?.sessionID ?? "", request) {
          self.sessions.whenStored { error in
            if let error { call.fail(RPCError(error)) } else { call.respond(answer) }
          }
        }
      }
    }
  }
}

/// A unary call that a peer hears of before it is answered.
private final class PeerAnswer: ServerCallHandler {
  private let call: ServerCall
  private let handler: RPCMethod.InlineHandler
  private let deliver: @Sendable (_ request: [UInt8], _ answer: [UInt8]) -> Void

  init(
    call: ServerCall, handler: @escaping RPCMethod.InlineHandler,
    deliver: @escaping @Sendable ([UInt8], [UInt8]) -> Void
  ) {
    self.call = call
    self.handler = handler
    self.deliver = deliver
  }

  func receive(_ request: [UInt8]) throws(RPCError) {
    deliver(request, try handler(request, call))
  }
}
