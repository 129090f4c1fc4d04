internal import NIOCore

/// Counts pings that come more often than a server wants: after the third, the client is to go.
///
/// Source: https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md (Server
/// Enforcement)
struct PingPolicy {
  private let keepalive: ServerKeepalive
  private var last: NIODeadline?
  private var sentThen = 0
  private var strikes = 0

  private static let strikesAllowed = 2
  /// What stands for the interval where pings without calls are not permitted.
  private static let intervalWithoutCalls = TimeAmount.hours(2)

  init(_ keepalive: ServerKeepalive) { self.keepalive = keepalive }

  /// A ping arrived.
  ///
  /// - Parameter sent: A count that has grown if headers or data went out since the last ping: then
  ///   the client has had reason to ping, and starts afresh.
  /// - Returns: Whether it may go on.
  mutating func allows(now: NIODeadline, sent: Int, hasCalls: Bool) -> Bool {
    defer {
      last = now
      sentThen = sent
    }
    guard let last, sent == sentThen else {
      strikes = 0
      return true
    }
    let interval =
      hasCalls || keepalive.permitsPingsWithoutCalls
      ? keepalive.minimumPingInterval : Self.intervalWithoutCalls
    if now - last < interval { strikes += 1 }
    return strikes <= Self.strikesAllowed
  }
}
