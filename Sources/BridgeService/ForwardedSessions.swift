internal import BridgeSessions
package import BridgeTools

/// What a service still has to do with sessions that another host holds.
extension BridgeService {
  /// Who else hears of sessions; nil where nobody does.
  package var peer: (any SessionPeer)? { tools.peer }

  /// Whether Heartbeat is answered here: a client that ends this host when one fails would end it with the
  /// other host.
  package var answersHeartbeats: Bool { configuration.callsSessionsValid }

  /// A session has ended there: what is kept of it here goes.
  package func endedElsewhere(_ session: String) { _ = sessions.remove(session) }
}
