internal import CNghttp2
internal import DequeModule
internal import Logging
internal import NIOCore
internal import Synchronization

/// The server's side of one connection: makes calls of streams and sends their answers.
final class ServerConnection: HTTP2Connection {
  let methods: MethodTable
  /// Those that hold now: until its client has shown who it is, a connection has little.
  @exclusivity(unchecked) private(set) var limits: ServerLimits
  private let fullLimits: ServerLimits
  @exclusivity(unchecked) private(set) var isAuthenticated: Bool
  /// What this connection and all others hold.
  let budget: HostBudget
  let admission: [any CallAdmission]
  /// Whether calls must show who sent them.
  let asksForCredentials: Bool
  private let observer: (any CallObserver)?
  let errorDetails: (@Sendable (RPCError) -> [UInt8])?
  private let isObserved: Bool
  let actionQueue: CallActionQueue
  let gzipWorkers: WorkerThreads
  let offloadWorkers: WorkerThreads
  private let onOpen: (ServerConnection) -> Void
  private let onClose: (ServerConnection) -> Void

  /// The newest open call; each has a place in a doubly linked list.
  @exclusivity(unchecked) private(set) unowned(unsafe) var firstCall: ServerCall?
  @exclusivity(unchecked) private(set) var callCount = 0

  // Unchecked exclusivity, here and in calls and buffers: these belong to the event loop, no access
  // overlaps another, and the checks cost a twentieth of a small call.
  /// The headers that arrive now.
  @exclusivity(unchecked) var head = RequestHead()
  /// The last path and its method, and the last metadata: calls in a row are often alike.
  @exclusivity(unchecked) var lastPath: [UInt8] = []
  @exclusivity(unchecked) var lastMethod: ServedMethod?
  @exclusivity(unchecked) var lastMetadata: CallMetadata?
  /// Bytes of metadata that calls keep.
  let metadataAccount = CallMetadata.Account()

  private var peerCertificate: PeerCertificate?
  /// Called once the client has shown who it is. Set before the connection becomes active.
  var onAuthenticated: (() -> Void)?
  private var peerAddress: SocketAddress?
  private(set) lazy var peer = Peer(address: peerAddress, certificate: peerCertificate)

  /// What the service keeps for this connection.
  @exclusivity(unchecked) var userState: AnyObject?

  var deadlineTimer: (at: NIODeadline, task: Scheduled<Void>)?
  var drain = DrainState.serving

  // What the connection holds, against its limits; see ServerConnection+Requests.
  /// Bytes of responses that wait on all calls.
  @exclusivity(unchecked) var queuedResponseBytes = 0 {
    didSet {
      if abs(queuedResponseBytes - toldAnswerBytes) >= HostBudget.step { tellAnswerBytes() }
    }
  }
  /// As many of them as `budget` knows of.
  @exclusivity(unchecked) private var toldAnswerBytes = 0
  /// Bytes of requests that have not reached their handlers.
  @exclusivity(unchecked) var heldRequestBytes = 0 {
    didSet {
      if abs(heldRequestBytes - toldRequestBytes) >= HostBudget.step { tellRequestBytes() }
    }
  }
  /// As many of them as `budget` knows of.
  @exclusivity(unchecked) private var toldRequestBytes = 0
  /// Bytes of requests that handlers have not let go of; `budget` knows of them all.
  let servedRequestBytes = Atomic<Int>(0)
  /// Whether `budget` hears of what is held: until the connection is closed.
  private var isCounted = true
  /// Bytes received for which the connection's window has not been opened again.
  @exclusivity(unchecked) var unconsumedBytes = 0
  /// Calls that go on as soon as fewer responses wait.
  @exclusivity(unchecked) var waitingCalls: Deque<ServerCall> = []
  /// Handlers of one request that run, and whether a timer lets more begin.
  @exclusivity(unchecked) var handlers = HandlerAllowance()
  @exclusivity(unchecked) var allowanceTimer: Scheduled<Void>?
  /// Calls that ended before their handlers, which still go on.
  let cancelledCallCount = Atomic<Int>(0)

  // Inflating and compressing; see ServerConnection+Gzip.
  /// What may still be inflated in this turn of the event loop, in bytes.
  @exclusivity(unchecked) var gzipBudgetLeft = ServerConnection.gzipBudget
  /// Calls that have something for other threads, and whether these are at it.
  @exclusivity(unchecked) var gzipQueue: Deque<ServerCall> = []
  @exclusivity(unchecked) var isAwaitingGzip = false

  // Answers that other threads make; see ServerConnection+Offloading.
  @exclusivity(unchecked) var offloadQueue: Deque<ServerCall> = []
  @exclusivity(unchecked) var awaitsOffloaded = false
  /// What those that wait, and the one that is made, hold of their requests.
  @exclusivity(unchecked) var offloadedBytes = 0

  // What has happened, for the timers and against floods; see ServerConnection+Timers.
  @exclusivity(unchecked) var callsBegun = 0
  /// Those before the batch of input that is being read, and those that were reset in their batch
  /// before their request was complete.
  @exclusivity(unchecked) private var callsBeforeBatch = 0
  @exclusivity(unchecked) private(set) var callsResetAtOnce = 0
  /// Resets in the batch of input that is being read.
  @exclusivity(unchecked) private(set) var resetsOfBatch = 0
  @exclusivity(unchecked) var answersBegun = 0
  /// It was said on this connection which encodings are read.
  @exclusivity(unchecked) var hasAnnouncedEncodings = false
  @exclusivity(unchecked) var dataFramesSent = 0
  @exclusivity(unchecked) var dataBytesSent = 0
  @exclusivity(unchecked) var isEstablished = false
  @exclusivity(unchecked) var frameScanner = FrameScanner()
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
    budget: HostBudget, admission: [any CallAdmission], observer: (any CallObserver)? = nil,
    errorDetails: (@Sendable (RPCError) -> [UInt8])? = nil,
    actionQueue: CallActionQueue, gzipWorkers: WorkerThreads, offloadWorkers: WorkerThreads,
    onOpen: @escaping (ServerConnection) -> Void,
    onClose: @escaping (ServerConnection) -> Void
  ) {
    self.methods = methods
    self.asksForCredentials = admission.contains { $0.asksForCredentials }
    self.isAuthenticated = !asksForCredentials
    self.fullLimits = limits
    self.limits = isAuthenticated ? limits : limits.beforeAuthentication
    self.budget = budget
    self.admission = admission
    self.observer = observer
    self.errorDetails = errorDetails
    self.isObserved = observer != nil
    self.actionQueue = actionQueue
    self.gzipWorkers = gzipWorkers
    self.offloadWorkers = offloadWorkers
    self.onOpen = onOpen
    self.onClose = onClose
    let now = eventLoop.now
    self.frameBudget = FrameBudget(
      burst: limits.controlFrameBurst, perSecond: limits.controlFramesPerSecond,
      concurrentStreams: limits.concurrentStreams, now: now)
    self.pings = PingPolicy(limits.keepalive)
    self.timers = ConnectionTimers(self.limits, now: now, jitter: .random(in: -1...1))
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
    nghttp2_option_set_max_outbound_ack(option, max(10_000, 2 * limits.controlFrameBurst))
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
    submit(settings, to: session)
    return session
  }

  /// Tells the client what it may send.
  private func submit(_ settings: [nghttp2_settings_entry], to session: OpaquePointer?) {
    // 0, NGHTTP2_ERR_INVALID_ARGUMENT (our values are in range) or NGHTTP2_ERR_NOMEM.
    precondition(
      nghttp2_submit_settings(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count) == 0)
    precondition(
      nghttp2_session_set_local_window_size(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(limits.connectionWindow)) == 0)
  }

  /// The client has shown who it is: from now on it has the limits of clients.
  func authenticated() {
    isAuthenticated = true
    limits = fullLimits
    onAuthenticated?()
    onAuthenticated = nil
    guard let session else { return }
    submit(
      [
        nghttp2_settings_entry(
          settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
          value: UInt32(limits.concurrentStreams)),
        nghttp2_settings_entry(
          settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
          value: UInt32(limits.streamWindow)),
      ], to: session)
    setNeedsFlush()
  }

  /// TLS is set up; the connection becomes active next.
  ///
  /// - Parameter certificate: The client's, which was verified.
  func handshakeEnded(_ certificate: PeerCertificate?) {
    peerCertificate = certificate
    // Where calls show nothing, the certificate has shown all.
    guard isAuthenticated else { return }
    onAuthenticated?()
    onAuthenticated = nil
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
    let cancelled = cancelledCallCount.load(ordering: .relaxed)
    if cancelled > 0 && callCount + cancelled >= limits.concurrentStreams {
      nghttp2_submit_rst_stream(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, NGHTTP2_REFUSED_STREAM.rawValue)
      return
    }
    callsBegun &+= 1
    let call = ServerCall(
      connection: self, id: id, number: callsBegun,
      record: isObserved ? CallRecord(now: eventLoop.now) : nil)
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
    if isReceiving && call.number > callsBeforeBatch && !call.wasServed { callsResetAtOnce &+= 1 }
    unlink(call)
    call.cancel(RPCError(.cancelled, "the client reset the call"))
    forgetEndedWaiters()
    if let record = call.record { report(call, record) }
  }

  override func peerExpired() {
    logger.info("the client's certificate has expired", metadata: ["peer": "\(peer)"])
    terminate("the client's certificate has expired")
  }

  override func connectionClosed(_ session: OpaquePointer) {
    deadlineTimer?.task.cancel()
    deadlineTimer = nil
    timer?.cancel()
    timer = nil
    allowanceTimer?.cancel()
    allowanceTimer = nil
    waitingCalls = []
    gzipQueue = []
    while let call = firstCall {
      unlink(call)
      call.cancel(RPCError(.cancelled, "the connection to the client was lost"))
      if let record = call.record { report(call, record) }
      Unmanaged.passUnretained(call).release()
    }
    // What is left of calls that have ended is let go of with them.
    budget.addAnswers(-toldAnswerBytes)
    budget.addRequests(-toldRequestBytes)
    toldAnswerBytes = 0
    toldRequestBytes = 0
    isCounted = false
    onClose(self)
  }

  private func tellAnswerBytes() {
    guard isCounted else { return }
    budget.addAnswers(queuedResponseBytes - toldAnswerBytes)
    toldAnswerBytes = queuedResponseBytes
  }

  private func tellRequestBytes() {
    guard isCounted else { return }
    budget.addRequests(heldRequestBytes - toldRequestBytes)
    toldRequestBytes = heldRequestBytes
  }

  private func unlink(_ call: ServerCall) {
    callCount -= 1
    if call.requests.isCounted {
      call.requests.discard()
      recount(call)
    }
    call.previous?.next = call.next
    call.next?.previous = call.previous
    if firstCall === call { firstCall = call.next }
    call.next = nil
    call.previous = nil
  }

  private func report(_ call: ServerCall, _ record: CallRecord) {
    observer?.callFinished(
      record.finished(
        method: call.method, peer: peer, metadataFields: call.metadataFields, now: eventLoop.now))
  }

  @inline(__always)
  private func withCall(_ stream: UnsafeMutableRawPointer?, _ body: (ServerCall) -> Void) {
    guard let stream else { return }
    Unmanaged<ServerCall>.fromOpaque(stream)._withUnsafeGuaranteedRef(body)
  }

  // MARK: Requests

  override func inputArrives(_ bytes: UnsafeRawBufferPointer) {
    gzipBudgetLeft = Self.gzipBudget
    callsBeforeBatch = callsBegun
    let frames = frameScanner.scan(bytes)
    resetsOfBatch = frames.resets
    spendFrames(frames)
    if let offence = frames.offence { end(for: offence) }
  }

  override func inputWasRead() { if resetsOfBatch > 0 { spendResets() } }

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
        call.requests.end()
        deliverEnd(to: call)
      }
    }
  }

  override func resetSent(errorCode: UInt32) {
    switch nghttp2_error_code(errorCode) {
    // How a complete answer ends that did not wait for the whole request, and calls that there is no
    // room for.
    case NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM: break
    default: spendProvokedReset()
    }
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
    if !offloadQueue.isEmpty { startOffloaded() }
    return waitingCalls.isEmpty ? false : resumeWaitingCalls()
  }

  // MARK: Answers

  override func writeData(_ count: Int, of source: UnsafeMutableRawPointer) {
    dataFramesSent &+= 1
    dataBytesSent &+= count
    Unmanaged<ServerCall>.fromOpaque(source)._withUnsafeGuaranteedRef {
      $0.writeData(count, into: &output)
      $0.wroteData(count)
    }
  }

  override func goAwaySent() { if drain == .noticed { pingForDrain() } }

  override func sentEndOfStream(stream: UnsafeMutableRawPointer?, id: Int32) {
    withCall(stream) { call in
      // The answer is complete before the request is: tell the peer to stop (RFC 9113 section 8.1).
      if !call.requests.hasEnded {
        nghttp2_submit_rst_stream(
          session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, NGHTTP2_NO_ERROR.rawValue)
      }
    }
  }
}
