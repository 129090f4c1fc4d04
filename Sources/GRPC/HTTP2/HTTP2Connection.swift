internal import CNghttp2
internal import Logging
internal import NIOCore

/// One HTTP/2 connection: an nghttp2 session between a NIO channel and the calls on it.
///
/// Bytes go in through `channelRead`, frames come back as the overridable events at the end of
/// this class, and `flush` moves what nghttp2 wants to send into the channel. Everything here
/// belongs to the channel's event loop.
///
/// nghttp2: https://nghttp2.org/documentation/
class HTTP2Connection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let eventLoop: any EventLoop
  let logger: Logger

  /// Nil once the connection is closed.
  @exclusivity(unchecked) private(set) var session: OpaquePointer?
  private var context: ChannelHandlerContext?
  /// Frames on their way to the channel; `sendData` appends to it.
  @exclusivity(unchecked) var output = ByteBuffer()
  /// Inside `nghttp2_session_mem_recv`, where the session must be neither sent from nor freed.
  @exclusivity(unchecked) private var isReceiving = false
  private var isFlushing = false
  private var isClosing = false
  private var flushIsScheduled = false

  /// The output handed to the channel in one write.
  static let writeSize = 64 * 1024

  init(eventLoop: any EventLoop, logger: Logger) {
    self.eventLoop = eventLoop
    self.logger = logger
  }

  // MARK: Channel events

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    session = makeSession(context: context)
    sessionBegan()
    flush()
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let session else { return }
    let buffer = unwrapInboundIn(data)
    isReceiving = true
    let consumed = buffer.withUnsafeReadableBytes { bytes in
      nghttp2_session_mem_recv(
        session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    }
    isReceiving = false
    if consumed < 0 {
      // NGHTTP2_ERR_BAD_CLIENT_MAGIC, _FLOODED, _CALLBACK_FAILURE, _NOMEM: nothing can be said on
      // this connection any more. Other protocol errors are answered by a GOAWAY of the session.
      logger.debug("closing connection", metadata: ["reason": "\(Self.text(of: CInt(consumed)))"])
      close()
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    flush()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { flush() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    logger.debug("connection failed", metadata: ["error": "\(error)"])
    close()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    end()
  }

  // MARK: Sending

  /// Sends what is queued: at once, or at the end of the current batch of input.
  func setNeedsFlush() {
    if isReceiving || isFlushing || flushIsScheduled { return }
    flushIsScheduled = true
    let connection = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.execute {
      connection.value.flushIsScheduled = false
      connection.value.flush()
    }
  }

  /// Moves frames from nghttp2 to the channel for as long as the channel takes them.
  ///
  /// A channel that is not writable stops this, and with it every producer: at most the channel's
  /// high watermark and one frame wait outside the calls' own buffers.
  func flush() {
    guard let session, let context, !isReceiving, !isFlushing else { return }
    isFlushing = true
    defer { isFlushing = false }
    while context.channel.isWritable {
      output.clear()
      while output.readableBytes < Self.writeSize {
        var frame: UnsafePointer<UInt8>?
        // 0: nothing to send, or a full write; DATA frames go straight into `output`.
        let count = nghttp2_session_mem_send(session, &frame)
        if count < 0 {
          logger.debug("cannot send", metadata: ["reason": "\(Self.text(of: CInt(count)))"])
          close()
          return
        }
        if count == 0 { break }
        _ = output.writeBytes(UnsafeRawBufferPointer(start: frame, count: count))
      }
      if output.readableBytes == 0 { break }
      context.writeAndFlush(wrapOutboundOut(output), promise: nil)
      if self.session == nil { return }
    }
    if nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0 {
      closeBehindWrites(context)
    }
  }

  /// Closes once everything handed to the channel has gone out: closing at once would cut it off.
  private func closeBehindWrites(_ context: ChannelHandlerContext) {
    if isClosing { return }
    isClosing = true
    let promise = eventLoop.makePromise(of: Void.self)
    let connection = NIOLoopBound(self, eventLoop: eventLoop)
    promise.futureResult.whenComplete { _ in connection.value.close() }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
  }

  func close() {
    context?.close(promise: nil)
  }

  private func end() {
    guard let session else { return }
    precondition(!isReceiving)
    self.session = nil
    connectionClosed()
    nghttp2_session_del(session)
    context = nil
  }

  static func text(of code: CInt) -> String {
    String(cString: nghttp2_strerror(code))
  }

  // MARK: What a server or client connection adds

  /// Makes the session and queues its first frames.
  func makeSession(context: ChannelHandlerContext) -> OpaquePointer? {
    fatalError("a subclass makes the session")
  }

  /// The session is there: the connection can be used.
  func sessionBegan() {}

  /// The headers of a new stream begin.
  func headersBegan(stream: Int32) {}

  /// Headers of a stream that is open already begin: those of a response, or trailers.
  func moreHeadersBegan() {}

  func headerReceived(
    stream: UnsafeMutableRawPointer?, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
  ) {}

  /// A frame is complete; for DATA, `dataReceived` has handed over its bytes.
  func frameReceived(_ frame: UnsafePointer<nghttp2_frame>, stream: UnsafeMutableRawPointer?) {}

  func dataReceived(
    stream: UnsafeMutableRawPointer?, id: Int32, bytes: UnsafeRawBufferPointer
  ) {}

  /// Appends the next bytes of a body to `output`; `source` is what its data provider named.
  func writeData(_ count: Int, of source: UnsafeMutableRawPointer) {
    fatalError("a subclass that sends bodies writes them")
  }

  /// A frame with END_STREAM went out.
  func sentEndOfStream(stream: UnsafeMutableRawPointer?, id: Int32) {}

  /// The stream is gone; `stream` is not used again.
  func streamClosed(stream: UnsafeMutableRawPointer?, errorCode: UInt32) {}

  /// The connection is gone: every stream still open ends now.
  func connectionClosed() {}
}
