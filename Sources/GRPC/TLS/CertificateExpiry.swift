internal import NIOCore

/// Said to the handlers of a channel when the peer's certificate, or one above it, has expired.
struct CertificateExpired {}

/// Watches over the end of a peer's certificate while its connection is open. Belongs to the event
/// loop.
enum CertificateExpiry {
  /// Clocks are set: it is looked at again after so long, however far the end is.
  private static let longestPause = 60

  /// How long to wait before the next look; nil once the certificate has ended.
  ///
  /// - Parameters:
  ///   - end: The last second at which it is valid, since 1970 (RFC 5280 section 4.1.2.5).
  ///   - now: Likewise.
  static func pause(until end: Int, now: Int) -> TimeAmount? {
    end < now ? nil : .seconds(Int64(min(end - now, longestPause - 1)) + 1)
  }

  /// Tells the channel, from its last handler's side, once the certificate has ended.
  static func watch(_ channel: any Channel, until end: Int, clock: @escaping @Sendable () -> Int) {
    guard let pause = pause(until: end, now: clock()) else {
      channel.pipeline.fireUserInboundEventTriggered(CertificateExpired())
      return
    }
    let timer = channel.eventLoop.scheduleTask(in: pause) {
      if channel.isActive { watch(channel, until: end, clock: clock) }
    }
    channel.closeFuture.whenComplete { _ in timer.cancel() }
  }
}
