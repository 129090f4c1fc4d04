/// Whether a client takes calls and keeps connections; apart from sockets and timers.
struct ClientLife {
  enum Phase {
    /// Calls are taken.
    case open
    /// No calls are taken; those that are open go on.
    case draining
    /// No call is left; the connections are being closed.
    case closing
    /// Nothing is left.
    case closed
  }

  private(set) var phase = Phase.open

  var takesCalls: Bool { phase == .open }
  /// Whether a connection has nothing left to serve.
  var needsNoConnection: Bool { phase == .closing || phase == .closed }

  /// Takes no more calls. May be said again.
  ///
  /// - Returns: Whether the connections are to be closed now.
  mutating func shutDown(hasCalls: Bool) -> Bool {
    guard phase == .open else { return false }
    phase = .draining
    return hasCalls ? false : lastCallEnded()
  }

  /// No call is open.
  ///
  /// - Returns: Whether the connections are to be closed now.
  mutating func lastCallEnded() -> Bool {
    guard phase == .draining else { return false }
    phase = .closing
    return true
  }

  /// No connection is open.
  ///
  /// - Returns: Whether that is the end of the client.
  mutating func lastConnectionClosed() -> Bool {
    guard phase == .closing else { return false }
    phase = .closed
    return true
  }
}
