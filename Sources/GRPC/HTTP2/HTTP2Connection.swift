internal import CNghttp2
internal import Logging
internal import NIOCore
internal import Threads

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
  @exclusivity(unchecked) private(set) final var isReceiving = false
  private var isFlushing = false
  private var isClosing = false
  private var flushIsScheduled = false
  /// The GOAWAY that is left to send; see `disconnect`.
  private var finalGoAway: ByteBuffer?

  /// Whether a batch of input arrived since this was set to false.
  @exclusivity(unchecked) final var hasReceived = false
  /// Whether the DATA frame that `dataReceived` is called for has END_STREAM.
  @exclusivity(unchecked) final var dataEndsStream = false
  /// Bytes handed to the channel so far.
  private var bytesWritten = 0

  /// The output handed to the channel in one write.
  static let writeSize = 64 * 1024

  init(eventLoop: any EventLoop, logger: Logger) {
    self.eventLoop = eventLoop
    self.logger = logger
  }

  // MARK: Channel events

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func channelActive(context: ChannelHandlerContext) {
    session = makeSession(context: context)
    sessionBegan()
    flush()
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let session else { return }
    let buffer = unwrapInboundIn(data)
    hasReceived = true
    isReceiving = true
    let consumed = buffer.withUnsafeReadableBytes { bytes in
      inputArrives(bytes)
      if isDisconnecting { return 0 }
      // Calls that came together go on together, to a plugin's process for example.
      return Turn.run {
        nghttp2_session_mem_recv(
          session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
      }
    }
    isReceiving = false
    if !isDisconnecting && consumed >= 0 { inputWasRead() }
    if isDisconnecting {
      if self.session != nil { sendFinalGoAway() }
    } else if consumed < 0 {
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

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is CertificateExpired { peerExpired() }
    context.fireUserInboundEventTriggered(event)
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
    self.context = nil
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
    repeat { sendFrames(session, context) } while self.session != nil && framesWentOut()
    isFlushing = false
    guard self.session != nil else { return }
    if isDisconnecting {
      sendFinalGoAway()
    } else if nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0 {
      closeBehindWrites(context)
    }
  }

  private func sendFrames(_ session: OpaquePointer, _ context: ChannelHandlerContext) {
    while context.channel.isWritable {
      output.clear()
      while output.readableBytes < Self.writeSize {
        var frame: UnsafePointer<UInt8>?
        // 0: nothing to send, or a full write; DATA frames go straight into `output`.
        let count = nghttp2_session_mem_send(session, &frame)
        if isDisconnecting { return }
        if count < 0 {
          logger.debug("cannot send", metadata: ["reason": "\(Self.text(of: CInt(count)))"])
          close()
          return
        }
        if count == 0 { break }
        _ = output.writeBytes(UnsafeRawBufferPointer(start: frame, count: count))
      }
      if output.readableBytes == 0 { return }
      bytesWritten += output.readableBytes
      context.writeAndFlush(wrapOutboundOut(output), promise: nil)
      if self.session == nil { return }
    }
  }

  /// Bytes the channel has been given and has not written to its socket.
  final var bufferedBytes: Int {
    (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  /// Bytes that have gone out to the socket.
  final var bytesSent: Int { bytesWritten - bufferedBytes }

  /// Closes once everything handed to the channel has gone out: closing at once would cut it off.
  private func closeBehindWrites(_ context: ChannelHandlerContext) {
    if isClosing { return }
    isClosing = true
    let promise = eventLoop.makePromise(of: Void.self)
    let connection = NIOLoopBound(self, eventLoop: eventLoop)
    promise.futureResult.whenComplete { _ in connection.value.closeOutput() }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
  }

  /// Tells the peer that nothing follows, and closes when it has closed too. A socket that is closed
  /// while the peer still sends, if only window updates, is reset, and what the peer has not read yet
  /// is lost.
  private func closeOutput() {
    guard let context else { return }
    let channel = context.channel
    let closed = eventLoop.makePromise(of: Void.self)
    closed.futureResult.whenFailure { _ in channel.close(promise: nil) }
    context.close(mode: .output, promise: closed)
    limitClosing()
  }

  /// Closes after a while, whatever the peer does.
  final func limitClosing() {
    guard let channel = context?.channel else { return }
    let limit = eventLoop.scheduleTask(in: Self.closingTime) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in limit.cancel() }
  }

  /// How long a peer has to read the last answers and close.
  private static let closingTime = TimeAmount.seconds(30)

  func close() {
    context?.close(promise: nil)
  }

  /// How long a peer that is disconnected has to read why. Closing a socket with unread input, as
  /// that of a flood, resets the connection, and the reason is lost.
  private static let lingerTime = TimeAmount.seconds(5)

  /// Whether `disconnect` was called.
  final var isDisconnecting: Bool { finalGoAway != nil }

  /// Ends the connection and all its calls at once, listens no more, and says why.
  ///
  /// - Parameters:
  ///   - code: The error code of the GOAWAY frame (RFC 9113 section 7).
  ///   - reason: Its debug data.
  final func disconnect(_ code: nghttp2_error_code, _ reason: String) {
    guard let session, !isDisconnecting else { return }
    logger.debug("disconnecting", metadata: ["reason": "\(reason)"])
    // Written by hand, past the session: what it has queued is not to go first.
    var goAway = ByteBuffer()
    goAway.writeInteger(UInt32(8 + reason.utf8.count) << 8 | UInt32(NGHTTP2_GOAWAY.rawValue))
    goAway.writeInteger(UInt8(0))
    goAway.writeInteger(UInt32(0))
    goAway.writeInteger(nghttp2_session_get_last_proc_stream_id(session))
    goAway.writeInteger(code.rawValue)
    goAway.writeString(reason)
    finalGoAway = goAway
    if !isReceiving && !isFlushing { sendFinalGoAway() }
  }

  private func sendFinalGoAway() {
    guard let finalGoAway, let channel = context?.channel else { return }
    context?.writeAndFlush(wrapOutboundOut(finalGoAway), promise: nil)
    end()
    eventLoop.scheduleTask(in: Self.lingerTime) { channel.close(promise: nil) }
  }

  private func end() {
    guard let session else { return }
    precondition(!isReceiving)
    self.session = nil
    connectionClosed(session)
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

  /// Bytes have come in; what they mean follows.
  func inputArrives(_ bytes: UnsafeRawBufferPointer) {}

  /// What came in was taken apart: the events of its frames are over.
  func inputWasRead() {}

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

  /// What could be sent was sent.
  ///
  /// - Returns: Whether that made room to go on with, so that there may be more to send.
  func framesWentOut() -> Bool { false }

  /// An RST_STREAM frame went out.
  func resetSent(errorCode: UInt32) {}

  /// A GOAWAY frame went out.
  func goAwaySent() {}

  /// A frame with END_STREAM went out.
  func sentEndOfStream(stream: UnsafeMutableRawPointer?, id: Int32) {}

  /// Headers, such as ones that are too large, were not sent. A response's must not leave its stream
  /// open for ever; a request's have opened none, and nghttp2 closes it next. A stream that the peer
  /// has reset meanwhile is gone, and nothing more is said on it.
  func headersNotSent(stream: UnsafeMutableRawPointer?, id: Int32, errorCode: CInt) {
    if errorCode == NGHTTP2_ERR_STREAM_CLOSED.rawValue
      || errorCode == NGHTTP2_ERR_STREAM_CLOSING.rawValue
    {
      return
    }
    nghttp2_submit_rst_stream(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, NGHTTP2_INTERNAL_ERROR.rawValue)
  }

  /// The stream is gone; `stream` is not used again.
  func streamClosed(stream: UnsafeMutableRawPointer?, errorCode: UInt32) {}

  /// The peer's certificate, or one above it, has expired: who it was is no longer vouched for.
  func peerExpired() {}

  /// The connection is gone: every stream still open ends now.
  ///
  /// - Parameter session: Valid until this returns; nothing is sent or received any more.
  func connectionClosed(_ session: OpaquePointer) {}
}
