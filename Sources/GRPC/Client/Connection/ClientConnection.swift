internal import CNghttp2
internal import Logging
internal import NIOCore

/// The client's side of one connection: makes streams of attempts and hands their frames over.
final class ClientConnection: HTTP2Connection {
  private let configuration: ClientConfiguration
  private let target: ServerAddress
  private let usesTLS: Bool
  private let fields: RequestFields
  private let onEvent: (ClientConnection, Event) -> Void

  /// What happens to the connection as a whole.
  enum Event {
    /// The socket is connected.
    case open
    /// The server's settings are here: the connection can be used.
    case ready
    /// A stream ended or the server's limit rose: there may be one for another call.
    case streamFree
    /// The server takes no new streams.
    ///
    /// - Parameter tooManyPings: Whether it said ENHANCE_YOUR_CALM.
    case retired(RPCError, tooManyPings: Bool)
    /// The connection is gone.
    case closed(RPCError)
  }

  /// The open streams. nghttp2 holds the same, unretained.
  private var streams: [Int32: ClientStream] = [:]
  /// The headers that arrive now.
  private var head = ResponseHead()
  private var state = ClientConnectionState()
  private var keepalive: KeepaliveTimer?
  /// Why the connection ends, as far as this side knows.
  private(set) var reason: String?

  init(
    eventLoop: any EventLoop, logger: Logger, target: ServerAddress, usesTLS: Bool,
    configuration: ClientConfiguration, fields: RequestFields,
    onEvent: @escaping (ClientConnection, Event) -> Void
  ) {
    self.target = target
    self.usesTLS = usesTLS
    self.configuration = configuration
    self.fields = fields
    self.onEvent = onEvent
    super.init(eventLoop: eventLoop, logger: logger)
  }

  override func makeSession(context: ChannelHandlerContext) -> OpaquePointer? {
    var option: OpaquePointer?
    // 0 or NGHTTP2_ERR_NOMEM, for both.
    precondition(nghttp2_option_new(&option) == 0, "out of memory")
    defer { nghttp2_option_del(option) }
    // Windows grow as messages are taken.
    nghttp2_option_set_no_auto_window_update(option, 1)
    var session: OpaquePointer?
    precondition(
      nghttp2_session_client_new2(
        &session, HTTP2Callbacks.table, Unmanaged.passUnretained(self).toOpaque(), option) == 0,
      "out of memory")

    let settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
        value: UInt32(configuration.streamWindow)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
        value: UInt32(configuration.headerListSize)),
    ]
    // 0, NGHTTP2_ERR_INVALID_ARGUMENT (our values are in range) or NGHTTP2_ERR_NOMEM.
    precondition(
      nghttp2_submit_settings(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count) == 0)
    precondition(
      nghttp2_session_set_local_window_size(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(configuration.connectionWindow)) == 0)
    return session
  }

  override func sessionBegan() { onEvent(self, .open) }

  override func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let text = ConnectionError.text(of: error)
    let mayBeRefusal = isAfterHandshake && TLSFailure.isDisconnect(error)
    end(because: mayBeRefusal ? "\(text); \(Self.refusal)" : text)
    super.errorCaught(context: context, error: error)
  }

  override func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    keepalive?.heard()
    if !state.wasReady, Self.isTLS(unwrapInboundIn(data)) {
      end(because: "it speaks TLS, and was called without")
      return close()
    }
    super.channelRead(context: context, data: data)
  }

  /// Whether these bytes begin an alert or a handshake of TLS (RFC 8446 section 5.1).
  private static func isTLS(_ bytes: ByteBuffer) -> Bool {
    let start = bytes.readableBytesView.prefix(2)
    return start.elementsEqual([0x15, 0x03]) || start.elementsEqual([0x16, 0x03])
  }

  // MARK: Attempts

  /// Whether another stream may be opened now (RFC 9113 section 5.1.2).
  var hasFreeStream: Bool {
    guard let session else { return false }
    return state.hasFreeStream(
      limit: Int(
        nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)))
  }

  /// Whether calls were begun here, and the server has answered none of them.
  var hasFailedCalls: Bool { state.hasFailedCalls }

  /// Whether a stream's headers have left nghttp2's queue: from then on the server may see them.
  func hasOpened(_ stream: ClientStream) -> Bool {
    // nghttp2 makes its stream as it makes the bytes of the headers.
    session.map { nghttp2_session_find_stream($0, stream.id) != nil } ?? false
  }

  /// Begins an attempt at a call.
  ///
  /// - Returns: false when this connection has no stream numbers left.
  func open(_ call: ClientCall) -> Bool {
    let stream = ClientStream(
      connection: self, call: call, messageLimit: configuration.messageSize)
    var provider = nghttp2_data_provider()
    provider.source.ptr = Unmanaged.passUnretained(stream).toOpaque()
    provider.read_callback = readData
    let id = call.fields(from: fields).withUnsafe { list, count in
      nghttp2_submit_request(
        session, nil, list, count, &provider, Unmanaged.passUnretained(stream).toOpaque())
    }
    guard id > 0 else {
      // NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE; _INVALID_ARGUMENT and _PROTO are excluded.
      retire(tooManyPings: false)
      return false
    }
    state.streamBegan()
    stream.id = id
    streams[id] = stream
    call.attach(to: stream)
    keepalive?.callsChanged(count: streams.count)
    setNeedsFlush()
    return true
  }

  func resumeData(_ stream: ClientStream) {
    guard let session else { return }
    // 0, or NGHTTP2_ERR_INVALID_ARGUMENT where the stream is gone already.
    nghttp2_session_resume_data(session, stream.id)
    setNeedsFlush()
  }

  func reset(_ stream: ClientStream, _ code: nghttp2_error_code) {
    guard let session else { return }
    nghttp2_submit_rst_stream(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
    setNeedsFlush()
  }

  /// Lets the server send so many bytes more on a stream.
  func consume(_ byteCount: Int, of stream: ClientStream) {
    guard let session else { return }
    // NGHTTP2_ERR_NOMEM and _INVALID_STATE aside, this succeeds.
    nghttp2_session_consume_stream(session, stream.id, byteCount)
    setNeedsFlush()
  }

  override func writeData(_ count: Int, of source: UnsafeMutableRawPointer) {
    Unmanaged<ClientStream>.fromOpaque(source)._withUnsafeGuaranteedRef {
      $0.writeData(count, into: &output)
    }
  }

  // MARK: Frames

  private func stream(_ pointer: UnsafeMutableRawPointer?) -> ClientStream? {
    pointer.map { Unmanaged<ClientStream>.fromOpaque($0).takeUnretainedValue() }
  }

  override func moreHeadersBegan() { head = ResponseHead() }

  override func headerReceived(
    stream: UnsafeMutableRawPointer?, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
  ) {
    head.add(name: name, value: value, limit: configuration.headerListSize)
  }

  override func dataReceived(
    stream: UnsafeMutableRawPointer?, id: Int32, bytes: UnsafeRawBufferPointer
  ) {
    // The window of the stream alone stands for what has not been taken: a stream that nobody
    // reads must not hold up the others.
    nghttp2_session_consume_connection(session, bytes.count)
    self.stream(stream)?.received(bytes)
  }

  override func frameReceived(
    _ frame: UnsafePointer<nghttp2_frame>, stream: UnsafeMutableRawPointer?
  ) {
    let header = frame.pointee.hd
    let isLast = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    switch nghttp2_frame_type(UInt32(header.type)) {
    case NGHTTP2_HEADERS:
      state.responseBegan()
      self.stream(stream)?.received(head, isLast: isLast, limit: configuration.headerListSize)
    case NGHTTP2_DATA where isLast: self.stream(stream)?.receivedEndOfData()
    case NGHTTP2_SETTINGS where header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0:
      receivedSettings()
    case NGHTTP2_GOAWAY: receivedGoaway(frame.pointee.goaway)
    default: break
    }
  }

  private func receivedSettings() {
    switch state.receivedSettings() {
    case .nothing: return
    case .changed: return onEvent(self, .streamFree)
    case .ready: break
    }
    if let times = configuration.keepalive {
      let timer = KeepaliveTimer(
        times, eventLoop: eventLoop,
        ping: { [unowned self] in ping() },
        expired: { [unowned self] in
          end(because: "it did not answer a ping within \(times.timeout.seconds) s")
          close()
        })
      keepalive = timer
      timer.callsChanged(count: 0)
    }
    onEvent(self, .ready)
  }

  private func ping() {
    guard let session else { return }
    nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    setNeedsFlush()
  }

  private func receivedGoaway(_ frame: nghttp2_goaway) {
    let text = String(
      decoding: UnsafeBufferPointer(start: frame.opaque_data, count: frame.opaque_data_len),
      as: UTF8.self)
    let code = HTTP2ErrorName.name(frame.error_code)
    if frame.error_code != NGHTTP2_NO_ERROR.rawValue {
      end(because: "the server said GOAWAY \(code)" + (text.isEmpty ? "" : " \"\(text)\""))
    }
    // nghttp2 goes on to close the streams beyond the last one the server will process, with
    // REFUSED_STREAM.
    retire(tooManyPings: frame.error_code == NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
    moveUnopened()
  }

  private func retire(tooManyPings: Bool) {
    if state.retire() { onEvent(self, .retired(error, tooManyPings: tooManyPings)) }
  }

  /// Gives up streams whose headers wait in nghttp2's queue: they may not be sent after a GOAWAY
  /// (RFC 9113 section 6.8), and their calls are made on another connection.
  private func moveUnopened() {
    for stream in streams.values where !hasOpened(stream) { stream.closed(.overtaken) }
  }

  // MARK: The end

  override func headersNotSent(stream: UnsafeMutableRawPointer?, id: Int32, errorCode: CInt) {
    self.stream(stream)?.headersNotSent(errorCode: errorCode)
  }

  override func streamClosed(stream pointer: UnsafeMutableRawPointer?, errorCode: UInt32) {
    guard let stream = stream(pointer), streams.removeValue(forKey: stream.id) != nil else {
      return
    }
    let wasLast = state.streamEnded()
    keepalive?.callsChanged(count: streams.count)
    stream.closed(.reset(errorCode: errorCode))
    if wasLast { shutDown() }
    onEvent(self, .streamFree)
  }

  /// Ends the connection in good order; calls that are open are lost.
  func shutDown() {
    _ = state.retire()
    guard let session else { return }
    nghttp2_session_terminate_session(session, NGHTTP2_NO_ERROR.rawValue)
    setNeedsFlush()
  }

  /// TLS has failed, and the channel is about to be closed. The connection was never active.
  func handshakeFailed(_ text: String) { end(because: "the TLS handshake failed: \(text)") }

  /// Whether the socket is connected, and the TLS handshake through where there is one.
  var isActive: Bool { session != nil }

  private func end(because text: String) {
    if reason == nil { reason = text }
  }

  /// Whether TLS is set up and HTTP/2 is not: then a server of TLS 1.3 says what it thinks of the
  /// client's certificate (RFC 8446 section 4.4.2.4), and closes before that may be read.
  private var isAfterHandshake: Bool { usesTLS && !state.wasReady }

  private static let refusal = "it may refuse the client's certificate, or the lack of one"

  /// What a call is told that ends with the connection.
  private var error: RPCError {
    let lost =
      state.wasReady
      ? "the connection to \(target) was lost"
      : "\(target) closed the connection before it spoke HTTP/2"
    let reason = reason ?? (isAfterHandshake ? Self.refusal : nil)
    return RPCError(.unavailable, reason.map { "\(lost): \($0)" } ?? lost)
  }

  override func peerExpired() {
    end(because: "the server's certificate has expired")
    close()
  }

  override func connectionClosed(_ session: OpaquePointer) {
    keepalive?.stop()
    keepalive = nil
    let error = error
    let open = streams.values.map { ($0, nghttp2_session_find_stream(session, $0.id) != nil) }
    streams = [:]
    state.close()
    // First, so that calls that are made again do not come back here.
    onEvent(self, .closed(error))
    for (stream, wasOpened) in open { stream.closed(.lost(error, wasOpened: wasOpened)) }
  }
}

/// The read callback of every request body.
private func readData(
  _ session: OpaquePointer?, _ id: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ length: Int,
  _ flags: UnsafeMutablePointer<UInt32>?, _ source: UnsafeMutablePointer<nghttp2_data_source>?,
  _ userData: UnsafeMutableRawPointer?
) -> Int {
  Unmanaged<ClientStream>.fromOpaque(source!.pointee.ptr)._withUnsafeGuaranteedRef { stream in
    guard let (count, isLast) = stream.dataAvailable(limit: length) else {
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    flags!.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    if isLast { flags!.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
    return count
  }
}
