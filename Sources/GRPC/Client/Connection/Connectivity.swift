/// Whether a client has a connection for new calls, and when it makes one; apart from sockets and
/// timers.
struct Connectivity<Connection: AnyObject> {
  enum Phase {
    /// There is no connection, and no call that wants one.
    case idle
    /// One is being made; it is known once its socket is connected.
    case connecting(Connection?)
    case ready(Connection)
    /// The last attempt failed, for this reason; the next one has to wait.
    case backingOff(RPCError)
  }

  private(set) var phase = Phase.idle
  /// Attempts in a row that failed.
  private(set) var failures = 0
  /// Connections in a row that ended before any of their calls was answered.
  private var uselessConnections = 0

  /// So many may be useless before the next one has to wait: a server that restarts may retire one
  /// while a call is on its way.
  private static var uselessConnectionsAtOnce: Int { 1 }

  /// Calls want a connection.
  ///
  /// - Returns: Whether to make one.
  mutating func callsWait() -> Bool {
    guard case .idle = phase else { return false }
    phase = .connecting(nil)
    return true
  }

  /// The socket of a connection is connected.
  ///
  /// - Returns: Whether it is wanted.
  mutating func connected(_ connection: Connection) -> Bool {
    guard case .connecting(nil) = phase else { return false }
    phase = .connecting(connection)
    return true
  }

  /// A connection can be used.
  ///
  /// - Returns: Whether it is wanted.
  mutating func ready(_ connection: Connection) -> Bool {
    guard case .connecting = phase else { return false }
    phase = .ready(connection)
    if uselessConnections == 0 { failures = 0 }
    return true
  }

  /// The attempt to connect failed.
  ///
  /// - Returns: Whether there was one.
  mutating func connectingFailed(_ error: RPCError) -> Bool {
    guard case .connecting = phase else { return false }
    failures += 1
    phase = .backingOff(error)
    return true
  }

  /// Enough time has passed since the last attempt.
  mutating func backoffEnded() {
    if case .backingOff = phase { phase = .idle }
  }

  /// What follows when the connection for new calls is gone.
  enum Loss {
    /// It was another one.
    case nothing
    /// Calls may connect again at once.
    case idle
    /// They have to wait.
    case backoff
  }

  /// A connection takes no more calls.
  ///
  /// - Parameter hasFailedCalls: Whether it had calls, and none of them was answered.
  mutating func lost(
    _ connection: Connection, _ error: RPCError, hasFailedCalls: Bool
  ) -> Loss {
    guard case .ready(let current) = phase, current === connection else { return .nothing }
    guard hasFailedCalls else {
      uselessConnections = 0
      failures = 0
      phase = .idle
      return .idle
    }
    uselessConnections += 1
    guard uselessConnections > Self.uselessConnectionsAtOnce else {
      phase = .idle
      return .idle
    }
    failures += 1
    phase = .backingOff(error)
    return .backoff
  }

  /// There has been nothing to do for long enough.
  ///
  /// - Returns: The connection to close.
  mutating func idled() -> Connection? {
    guard case .ready(let connection) = phase else { return nil }
    phase = .idle
    return connection
  }
}
