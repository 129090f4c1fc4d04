internal import NIOCore

/// Counts pings that come more often than a server wants: after the third, the client is to go.
///
/// Source: https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md (Server
/// Enforcement)
struct PingPolicy {
  private let keepalive: ServerKeepalive
  private var last: NIODeadline?
  private var answersThen = 0
  private var bytesThen = 0
  private var strikes = 0
  /// Pings that the data which was sent is worth.
  private var earned = 0

  private static let strikesAllowed = 2
  /// What stands for the interval where pings without calls are not permitted.
  private static let intervalWithoutCalls = TimeAmount.hours(2)
  /// A client measures round trips while it reads, perhaps once a read, and may read long after the
  /// data was sent.
  private static let bytesPerPing = 1024
  private static let mostEarned = 4096

  init(_ keepalive: ServerKeepalive) { self.keepalive = keepalive }

  /// A ping arrived.
  ///
  /// - Parameters:
  ///   - answers: A count that has grown if headers or data were sent since the last ping: then the
  ///     client has had reason to ping, and starts afresh.
  ///   - bytes: How many bytes of data have been sent.
  /// - Returns: Whether it may go on.
  mutating func allows(now: NIODeadline, answers: Int, bytes: Int, hasCalls: Bool) -> Bool {
    defer {
      last = now
      answersThen = answers
    }
    let worth = (bytes - bytesThen) / Self.bytesPerPing
    bytesThen += worth * Self.bytesPerPing
    earned = min(Self.mostEarned, earned + worth)
    guard let last, answers == answersThen else {
      strikes = 0
      return true
    }
    if earned > 0 {
      earned -= 1
      return true
    }
    let interval =
      hasCalls || keepalive.permitsPingsWithoutCalls
      ? keepalive.minimumPingInterval : Self.intervalWithoutCalls
    if now - last < interval { strikes += 1 }
    return strikes <= Self.strikesAllowed
  }
}
