internal import CNghttp2
internal import DequeModule
internal import Logging
internal import NIOCore
internal import Synchronization

/// The server's side of one connection: makes calls of streams and sends their answers.
final class ServerConnection: HTTP2Connection {
  let methods: MethodTable
  let limits: ServerLimits
  let admission: [any CallAdmission]
  let mailbox: LoopMailbox
  private let onOpen: (ServerConnection) -> Void
  private let onClose: (ServerConnection) -> Void

  /// The newest open call; each has a place in a doubly linked list.
  @exclusivity(unchecked) private(set) unowned(unsafe) var firstCall: ServerCall?
  @exclusivity(unchecked) private(set) var callCount = 0

  // Unchecked exclusivity, here and in calls and buffers: these belong to the event loop, no access
  // overlaps another, and the checks cost a twentieth of a small call.
  /// The headers that arrive now.
  @exclusivity(unchecked) private var head = RequestHead()
  /// The last path and its method, and the last metadata: calls in a row are often alike.
  @exclusivity(unchecked) private var lastPath: [UInt8] = []
  @exclusivity(unchecked) private var lastMethod: RPCMethod?
  @exclusivity(unchecked) private var lastFields: [UInt8] = []

  /// Set before the connection becomes active.
  var peerCertificate: PeerCertificate?
  private var peerAddress: SocketAddress?
  private(set) lazy var peer = Peer(address: peerAddress, certificate: peerCertificate)

  /// What the service keeps for this connection.
  var userState: AnyObject?

  var deadlineTimer: (at: NIODeadline, task: Scheduled<Void>)?
  var drain = DrainState.serving

  // What the connection holds, against its limits; see ServerConnection+Requests.
  /// Bytes of answers that wait on all calls.
  @exclusivity(unchecked) var waitingBytes = 0
  /// Bytes of requests that have not reached their handlers.
  @exclusivity(unchecked) var heldBytes = 0
  /// Bytes received for which the connection's window has not been opened again.
  @exclusivity(unchecked) var withheldBytes = 0
  /// Calls that go on as soon as fewer answers wait.
  @exclusivity(unchecked) var waitingCalls: Deque<ServerCall> = []
  /// Calls whose clients have left, and whose handlers go on.
  let abandonedCalls = Atomic<Int>(0)

  // What has happened, for the timers and against floods; see ServerConnection+Timers.
  @exclusivity(unchecked) var callsBegun = 0
  @exclusivity(unchecked) var answersBegun = 0
  @exclusivity(unchecked) var dataFramesSent = 0
  @exclusivity(unchecked) var isEstablished = false
  var frameBudget: FrameBudget
  var pings: PingPolicy
  var timers: ConnectionTimers
  var timer: Scheduled<Void>?

  enum DrainState {
    case serving
    /// A first GOAWAY and a PING went out: streams on their way are still accepted.
    case noticed
    /// The last GOAWAY went out: the connection ends with its last stream.
    case refusing
  }

  init(
    eventLoop: any EventLoop, logger: Logger, methods: MethodTable, limits: ServerLimits,
    admission: [any CallAdmission], mailbox: LoopMailbox,
    onOpen: @escaping (ServerConnection) -> Void,
    onClose: @escaping (ServerConnection) -> Void
  ) {
    self.methods = methods
    self.limits = limits
    self.admission = admission
    self.mailbox = mailbox
    self.onOpen = onOpen
    self.onClose = onClose
    let now = eventLoop.now
    self.frameBudget = FrameBudget(
      burst: limits.controlFrameBurst, perSecond: limits.controlFramesPerSecond, now: now)
    self.pings = PingPolicy(limits.keepalive)
    self.timers = ConnectionTimers(limits, now: now, jitter: .random(in: -1...1))
    super.init(eventLoop: eventLoop, logger: logger)
  }

  override func makeSession(context: ChannelHandlerContext) -> OpaquePointer? {
    peerAddress = context.channel.remoteAddress
    var option: OpaquePointer?
    // 0 or NGHTTP2_ERR_NOMEM, for both.
    precondition(nghttp2_option_new(&option) == 0, "out of memory")
    defer { nghttp2_option_del(option) }
    // Windows grow as calls consume their requests.
    nghttp2_option_set_no_auto_window_update(option, 1)
    // Priorities are not used; without this nghttp2 keeps closed streams for their tree.
    nghttp2_option_set_no_closed_streams(option, 1)
    // `FrameBudget` counts what these two do, and says ENHANCE_YOUR_CALM where they would say
    // INTERNAL_ERROR, or nothing.
    nghttp2_option_set_stream_reset_rate_limit(option, 1 << 40, 1 << 40)
    nghttp2_option_set_max_outbound_ack(option, 2 * limits.controlFrameBurst)
    var session: OpaquePointer?
    precondition(
      nghttp2_session_server_new2(
        &session, HTTP2Callbacks.table, Unmanaged.passUnretained(self).toOpaque(), option) == 0,
      "out of memory")

    let settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
        value: UInt32(limits.concurrentStreams)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
        value: UInt32(limits.streamWindow)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
        value: UInt32(limits.headerListSize)),
    ]
    // 0, NGHTTP2_ERR_INVALID_ARGUMENT (our values are in range) or NGHTTP2_ERR_NOMEM.
    precondition(
      nghttp2_submit_settings(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count) == 0)
    precondition(
      nghttp2_session_set_local_window_size(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(limits.connectionWindow)) == 0)
    return session
  }

  override func sessionBegan() {
    onOpen(self)
    checkTimers()
  }

  // MARK: Calls come and go

  override func headersBegan(stream id: Int32) {
    head.reset()
    if drain == .refusing {
      // The last GOAWAY is on its way or out: what comes now is promised not to be processed.
      nghttp2_submit_rst_stream(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, NGHTTP2_REFUSED_STREAM.rawValue)
      return
    }
    // nghttp2 counts open streams; a handler that goes on after its stream counts as one, too.
    let abandoned = abandonedCalls.load(ordering: .relaxed)
    if abandoned > 0 && callCount + abandoned >= limits.concurrentStreams {
      nghttp2_submit_rst_stream(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, NGHTTP2_REFUSED_STREAM.rawValue)
      return
    }
    callsBegun &+= 1
    let call = ServerCall(connection: self, id: id, messageLimit: limits.messageSize)
    nghttp2_session_set_stream_user_data(
      session, id, Unmanaged.passRetained(call).toOpaque())
    call.next = firstCall
    firstCall?.previous = call
    firstCall = call
    callCount += 1
  }

  override func streamClosed(stream: UnsafeMutableRawPointer?, errorCode: UInt32) {
    guard let stream else { return }
    let call = Unmanaged<ServerCall>.fromOpaque(stream).takeRetainedValue()
    unlink(call)
    call.cancel(RPCError(.cancelled, "the client reset the call"))
  }

  override func connectionClosed() {
    deadlineTimer?.task.cancel()
    deadlineTimer = nil
    timer?.cancel()
    timer = nil
    waitingCalls = []
    while let call = firstCall {
      unlink(call)
      call.cancel(RPCError(.cancelled, "the connection to the client was lost"))
      Unmanaged.passUnretained(call).release()
    }
    onClose(self)
  }

  private func unlink(_ call: ServerCall) {
    callCount -= 1
    if call.countedBytes > 0 { count(0, heldBy: call) }
    call.previous?.next = call.next
    call.next?.previous = call.previous
    if firstCall === call { firstCall = call.next }
    call.next = nil
    call.previous = nil
  }

  @inline(__always)
  private func withCall(_ stream: UnsafeMutableRawPointer?, _ body: (ServerCall) -> Void) {
    guard let stream else { return }
    Unmanaged<ServerCall>.fromOpaque(stream)._withUnsafeGuaranteedRef(body)
  }

  // MARK: Requests

  override func headerReceived(
    stream: UnsafeMutableRawPointer?, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
  ) {
    // Trailers of a request land here too, and mean nothing to gRPC: the next request resets.
    head.add(name: name, value: value, limit: limits.headerListSize)
  }

  override func frameReceived(
    _ frame: UnsafePointer<nghttp2_frame>, stream: UnsafeMutableRawPointer?
  ) {
    let header = frame.pointee.hd
    let isHeaders = header.type == NGHTTP2_HEADERS.rawValue
    guard isHeaders || header.type == NGHTTP2_DATA.rawValue else {
      return controlFrameReceived(frame)
    }
    let isLast = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    withCall(stream) { call in
      if isHeaders && frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
        headersEnded(call)
      }
      if isLast {
        call.requestsEnded = true
        requestsEnded(call)
      }
    }
    if !isHeaders && !isLast && header.length == frame.pointee.data.padlen { spendFrame() }
  }

  override func resetSent() { spendFrame() }

  private func headersEnded(_ call: ServerCall) {
    let request = head
    guard request.listSize <= limits.headerListSize else {
      call.fail(
        RPCError(
          .resourceExhausted,
          "headers of \(request.listSize) bytes are over the limit of \(limits.headerListSize)"))
      return
    }
    guard request.isPost else { return call.reject(http: "405", "gRPC calls are POST requests") }
    guard request.contentType == .grpc else {
      return call.reject(http: "415", "content-type must be application/grpc")
    }
    if !admission.isEmpty, let refusal = refusal(of: request) { return call.fail(refusal) }
    guard let method = method(for: request.path) else {
      let path = String(decoding: request.path, as: UTF8.self)
      call.fail(RPCError(.unimplemented, "unknown method \(path)"))
      return
    }
    call.method = method
    call.deframer.limit = min(call.deframer.limit, method.requestLimit)
    call.acceptsGzip = request.acceptsGzip
    do throws(RPCError) {
      try check(request, of: call)
      if !request.fields.isEmpty {
        if !request.fields.hasSameBytes(as: lastFields) { lastFields = request.fields }
        call.metadataFields = lastFields
      }
      if request.hasTimeout, !method.ignoresDeadline {
        try setDeadline(request.timeout, of: call)
      }
      if case .handler(let factory) = method.implementation { call.handler = try factory(call) }
    } catch {
      call.fail(error)
    }
  }

  private func refusal(of request: RequestHead) -> RPCError? {
    let arriving = ArrivingCall(pathBytes: request.path, fields: request.fields, peer: peer)
    do throws(RPCError) {
      for admission in admission { try admission.admit(arriving) }
      return nil
    } catch {
      return error
    }
  }

  private func check(_ request: RequestHead, of call: ServerCall) throws(RPCError) {
    let encoding = request.encoding
    if !encoding.isEmpty {
      call.namesEncoding = true
      switch MessageEncoding(encoding) {
      case .identity: break
      case .gzip: call.deframer.compressed = .inflated
      case nil:
        throw RPCError(
          .unimplemented,
          "grpc-encoding \"\(String(decoding: encoding, as: UTF8.self))\" is not supported")
      }
    }
    if request.hasBinaryMetadata {
      let metadata = MetadataFields.metadata(of: request.fields)
      for entry in metadata.entries where entry.key.hasSuffix("-bin") {
        _ = try metadata.binaryValues(for: entry.key)
      }
    }
  }

  private func method(for path: [UInt8]) -> RPCMethod? {
    if path.hasSameBytes(as: lastPath) { return lastMethod }
    let method = methods[String(decoding: path, as: UTF8.self)]
    if method != nil {
      lastPath = path
      lastMethod = method
    }
    return method
  }

  override func dataReceived(
    stream: UnsafeMutableRawPointer?, id: Int32, bytes: UnsafeRawBufferPointer
  ) {
    guard let stream else {
      nghttp2_session_consume(session, id, bytes.count)
      return
    }
    Unmanaged<ServerCall>.fromOpaque(stream)._withUnsafeGuaranteedRef {
      requestBytesReceived(bytes, of: $0)
    }
  }

  override func framesWentOut() -> Bool {
    waitingCalls.isEmpty ? false : goOnWithCalls()
  }

  // MARK: Answers

  func submitResponse(_ call: ServerCall, metadata: Metadata) {
    guard let session else { return }
    var provider = nghttp2_data_provider()
    provider.source.ptr = Unmanaged.passUnretained(call).toOpaque()
    provider.read_callback = readData
    // 0; NGHTTP2_ERR_DATA_EXIST and _INVALID_ARGUMENT are excluded by the call's state.
    let result: CInt
    // Which encodings are read is said once a connection, and to those that use one.
    let announces = answersBegun == 0 || call.namesEncoding
    answersBegun &+= 1
    if metadata.isEmpty && call.compressionThreshold == nil {
      let fields = announces ? FixedHeaders.announcingResponse : FixedHeaders.response
      result = nghttp2_submit_response(
        session, call.id, fields.baseAddress, fields.count, &provider)
    } else {
      var fields = HeaderFields()
      fields.add(":status", "200")
      fields.add("content-type", "application/grpc")
      if announces { fields.add("grpc-accept-encoding", MessageEncoding.accepted) }
      if call.compressionThreshold != nil { fields.add("grpc-encoding", "gzip") }
      fields.add(metadata)
      result = fields.withUnsafe { nghttp2_submit_response(session, call.id, $0, $1, &provider) }
    }
    precondition(result == 0, HTTP2Connection.text(of: result))
    setNeedsFlush()
  }

  /// A response that is nothing but headers: gRPC's Trailers-Only, or an HTTP error.
  func submitHeadersOnly(_ call: ServerCall, http status: String, fields more: HeaderFields) {
    guard let session else { return }
    answersBegun &+= 1
    var fields = HeaderFields()
    fields.add(":status", status)
    fields.add("content-type", "application/grpc")
    fields.append(more)
    let result = fields.withUnsafe { nghttp2_submit_response(session, call.id, $0, $1, nil) }
    precondition(result == 0, HTTP2Connection.text(of: result))
    setNeedsFlush()
  }

  /// The longest list of header fields to send to the client.
  var clientHeaderListSize: Int {
    guard let session else { return 0 }
    let announced = nghttp2_session_get_remote_settings(
      session, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE)
    return ClientHeaderList.size(announced: announced)
  }

  func resumeData(_ call: ServerCall) {
    guard let session else { return }
    // 0, or NGHTTP2_ERR_INVALID_ARGUMENT where the stream is gone already.
    nghttp2_session_resume_data(session, call.id)
    setNeedsFlush()
  }

  override func writeData(_ count: Int, of source: UnsafeMutableRawPointer) {
    dataFramesSent &+= 1
    Unmanaged<ServerCall>.fromOpaque(source)._withUnsafeGuaranteedRef {
      $0.writeData(count, into: &output)
    }
  }

  override func sentEndOfStream(stream: UnsafeMutableRawPointer?, id: Int32) {
    withCall(stream) { call in
      // The answer is complete before the request is: tell the peer to stop (RFC 9113 section 8.1).
      if !call.requestsEnded {
        nghttp2_submit_rst_stream(
          session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, NGHTTP2_NO_ERROR.rawValue)
      }
    }
  }
}

/// The read callback of every response body.
private func readData(
  _ session: OpaquePointer?, _ id: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ length: Int,
  _ flags: UnsafeMutablePointer<UInt32>?, _ source: UnsafeMutablePointer<nghttp2_data_source>?,
  _ userData: UnsafeMutableRawPointer?
) -> Int {
  Unmanaged<ServerCall>.fromOpaque(source!.pointee.ptr)._withUnsafeGuaranteedRef { call in
    guard let (count, isLast) = call.dataAvailable(limit: length) else {
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    flags!.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    if isLast {
      flags!.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
      if let trailers = call.takeTrailers() {
        _ = trailers.withUnsafe { nghttp2_submit_trailer(session, id, $0, $1) }
      } else {
        let trailers = FixedHeaders.okTrailers
        nghttp2_submit_trailer(session, id, trailers.baseAddress, trailers.count)
      }
    }
    return count
  }
}
