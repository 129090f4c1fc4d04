internal import Glibc
internal import Logging
internal import NIOCore

/// Stops accepting for a second when the process has no descriptor left for a connection.
///
/// The connection that could not be accepted still waits, so the socket stays readable: unless it is
/// left alone, its event loop does nothing but try again.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel

  private let logger: Logger
  /// How often it happened since the last warning, and when that was.
  private var count = 0
  private var warnedAt: NIODeadline?

  private static let pause = TimeAmount.seconds(1)
  private static let warningInterval = TimeAmount.minutes(1)

  init(logger: Logger) { self.logger = logger }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let failure = error as? IOError, Self.isShortage(failure.errnoCode) else {
      return context.fireErrorCaught(error)
    }
    let channel = context.channel
    // Its failure would mean that the socket is closed.
    try? channel.syncOptions?.setOption(.autoRead, value: false)
    let socket = NIOLoopBound(channel, eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: Self.pause) {
      try? socket.value.syncOptions?.setOption(.autoRead, value: true)
    }
    warn(failure, now: context.eventLoop.now)
  }

  private func warn(_ failure: IOError, now: NIODeadline) {
    count += 1
    logger.debug("accepting pauses")
    if let warnedAt, now - warnedAt < Self.warningInterval { return }
    logger.warning(
      "connections wait, because they cannot be accepted",
      metadata: ["reason": "\(String(cString: strerror(failure.errnoCode)))", "times": "\(count)"])
    warnedAt = now
    count = 0
  }

  /// accept(2): no descriptors, of the process or of the system, or no memory.
  private static func isShortage(_ code: CInt) -> Bool {
    [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code)
  }
}
