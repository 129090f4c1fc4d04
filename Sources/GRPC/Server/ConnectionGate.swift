internal import Logging
internal import NIOCore

/// Lets a connection begin if there is a place for it, and hangs up otherwise.
///
/// It stands before everything else of the connection, which never hears of one that is refused. A client
/// that gets no TLS is told why: GOAWAY with `too_many_connections`. Waiting would tell it nothing, and
/// keep others waiting behind it.
final class ConnectionGate: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let places: ConnectionPlaces
  private let tellsReason: Bool
  private let logger: Logger

  init(_ places: ConnectionPlaces, tellsReason: Bool, logger: Logger) {
    self.places = places
    self.tellsReason = tellsReason
    self.logger = logger
  }

  func channelActive(context: ChannelHandlerContext) {
    let channel = context.channel
    let host = PeerHost(channel.remoteAddress)
    if places.take(host) {
      let places = self.places
      channel.closeFuture.whenComplete { _ in places.giveBack(host) }
      context.fireChannelActive()
      context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
      return
    }
    warn(context)
    guard tellsReason else { return context.close(promise: nil) }
    let closing = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: Self.farewell)))
      .whenComplete { _ in closing.value.close(promise: nil) }
  }

  // Of a connection that is refused nothing else hears.
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
  func channelReadComplete(context: ChannelHandlerContext) {}
  func channelInactive(context: ChannelHandlerContext) {}
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func warn(_ context: ChannelHandlerContext) {
    guard let count = places.toWarnOf(now: context.eventLoop.now) else { return }
    logger.warning(
      "connections are refused, because there are too many",
      metadata: [
        "peer": "\(Peer(address: context.channel.remoteAddress, certificate: nil))",
        "limit": "\(places.limit)", "times": "\(count)",
      ])
  }

  /// The server's preface, which is empty SETTINGS, and GOAWAY: RFC 9113 sections 3.4, 6.5 and 6.8.
  private static let farewell: [UInt8] = {
    let reason = Array("too_many_connections".utf8)
    // No stream was processed; ENHANCE_YOUR_CALM.
    let payload: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 11] + reason
    return [0, 0, 0, 4, 0, 0, 0, 0, 0] + [0, 0, UInt8(payload.count), 7, 0, 0, 0, 0, 0] + payload
  }()
}
