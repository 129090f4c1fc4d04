internal import BridgeSessions
internal import GRPC

extension BridgeService {
  /// An RPC that changes something: where changes are acknowledged only when they are stored, its
  /// answer waits for that.
  func answeredWhenStored(_ method: RPCMethod) -> RPCMethod {
    guard sessions.acknowledgesStored else { return method }
    let sessions = sessions
    return method.deliveringAnswers { answer, call in
      sessions.whenStored { error in
        if let error { call.fail(RPCError(error)) } else { call.respond(answer) }
      }
    }
  }
}
