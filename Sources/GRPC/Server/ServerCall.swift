internal import CNghttp2
internal import Logging
public import NIOCore
internal import Synchronization

/// One call that a server received: its metadata, its deadline, and the way to answer it.
///
/// `send`, `finish`, `fail` and `wake` may be used from any thread; the rest on the connection's
/// event loop only.
// @unchecked: everything but the atomics and constants belongs to the event loop; the methods for
// any thread hop there.
public final class ServerCall: @unchecked Sendable {
  /// The event loop that owns this call.
  public let eventLoop: any EventLoop
  let connection: ServerConnection
  let id: Int32

  /// The request's metadata; nil when it has none.
  @exclusivity(unchecked) var keptMetadata: CallMetadata?
  /// As it came; see `MetadataFields`.
  var metadataFields: [UInt8] { keptMetadata?.fields ?? [] }
  /// When the client gives up, on the monotonic clock; nil when it set no timeout.
  public internal(set) var deadline: NIODeadline?

  /// Neighbours in the connection's list of open calls, which retains each call once.
  @exclusivity(unchecked) unowned(unsafe) var next: ServerCall?
  @exclusivity(unchecked) unowned(unsafe) var previous: ServerCall?

  @exclusivity(unchecked) var deframer: MessageDeframer
  @exclusivity(unchecked) var receivedRequest: [UInt8]?
  /// A request that waits to be inflated. Nothing after it is looked at.
  @exclusivity(unchecked) var packedRequest: [UInt8]?
  @exclusivity(unchecked) var isQueuedForGzip = false
  @exclusivity(unchecked) var requestsEnded = false
  /// Input that is not looked at before there is room for what answers it.
  @exclusivity(unchecked) var heldInput: [UInt8] = []
  /// The bytes of requests this call holds, as the connection has counted them.
  @exclusivity(unchecked) var countedBytes = 0
  @exclusivity(unchecked) var wait = Wait.none
  /// The bytes of requests that its handler has not taken yet, while it wants no more of them.
  @exclusivity(unchecked) var untakenBytes: Int?
  /// DATA frames that have gone out, and since when none has though answers wait.
  @exclusivity(unchecked) private(set) var framesSent = 0
  @exclusivity(unchecked) var stall = Stall()

  /// The client takes answers in gzip.
  @exclusivity(unchecked) var acceptsGzip = false
  /// The request names an encoding: tell which are known.
  @exclusivity(unchecked) var namesEncoding = false

  @exclusivity(unchecked) var method: ServedMethod?
  @exclusivity(unchecked) var handler: (any ServerCallHandler)?
  @exclusivity(unchecked) private var source: (any MessageSource)?
  /// The source has `outbound` in its hands.
  @exclusivity(unchecked) private var isFilling = false

  @exclusivity(unchecked) private var outbound = OutboundBuffer()
  /// Set once the handler has ended the call; without trailers, a plain OK.
  @exclusivity(unchecked) private var end: (trailers: HeaderFields?, Void)?
  @exclusivity(unchecked) private(set) var state = State.idle
  /// nghttp2 asked for data when there was none, and waits for a resume.
  @exclusivity(unchecked) private var isDeferred = false

  /// Bytes accepted by `send` and not yet written.
  private let unsent = Atomic<Int>(0)
  /// `send` answered false, and `writable` is owed.
  private let waitsForRoom = Atomic<Bool>(false)
  @exclusivity(unchecked) private var usesSend = false
  private let closed = Atomic<Bool>(false)
  /// The client has left, and the handler may not know yet: it still counts as open.
  private var isAbandoned = false

  enum State {
    /// Nothing has been answered.
    case idle
    /// Response headers are submitted.
    case responding
    /// The last frame is submitted, or the stream is gone.
    case ended
  }

  /// Why the call gets no more requests for now.
  enum Wait {
    case none
    /// Too many of its own answers wait.
    case forOwnAnswers
    /// Its handler has not taken the requests it has.
    case forHandler
    /// It is in the connection's queue of calls to go on with.
    case queued
  }

  /// `send` answers false above this many waiting bytes, and `writable` follows below half of it.
  static let sendLimit = 256 * 1024

  init(connection: ServerConnection, id: Int32, messageLimit: Int) {
    self.connection = connection
    self.eventLoop = connection.eventLoop
    self.id = id
    self.deframer = MessageDeframer(limit: messageLimit)
    self.compressionThreshold = connection.limits.compressionThreshold
  }

  deinit {
    if isAbandoned { connection.abandonedCalls.subtract(1, ordering: .relaxed) }
  }

  // MARK: The request

  /// The method's path, `/package.Service/Method`.
  public var path: String { method?.path ?? "" }

  /// The request's metadata, without the headers HTTP/2 and gRPC themselves use.
  public var metadata: Metadata { MetadataFields.metadata(of: metadataFields) }

  /// Whether the request has metadata of a key; without taking the metadata apart.
  public func hasMetadata(_ key: StaticString) -> Bool {
    MetadataFields.contains(key, in: metadataFields)
  }

  /// Who calls.
  public var peer: Peer { connection.peer }

  /// Whether the request handed over last came compressed.
  @exclusivity(unchecked) public internal(set) var isRequestCompressed = false

  /// Messages of at least this many bytes are compressed with gzip, if the client accepts that; nil
  /// compresses none. At first what `ServerLimits` says.
  ///
  /// It counts until the response headers are sent, by `start` or with the first message, which say
  /// whether messages may be compressed at all. Large ones are compressed on threads of their own.
  @exclusivity(unchecked) public var compressionThreshold: Int?

  /// What the service keeps for the connection this call came on, as long as that lives.
  public var connectionState: AnyObject? {
    get { connection.userState }
    set { connection.userState = newValue }
  }

  /// Whether its answers are made only when there is room for them.
  var isFedBySource: Bool { source != nil }

  /// Whether the call is over, finished or not. `[any thread]`
  public var isClosed: Bool { closed.load(ordering: .acquiring) }

  // MARK: Answering, from any thread

  /// Sends one message.
  ///
  /// - Parameter compressed: Whether to compress it, on a call whose `compressionThreshold` allows
  ///   it at all; nil goes by that threshold.
  /// - Returns: Whether there is room for more. A producer that goes on regardless only fills
  ///   memory; one that stops is told by `ServerCallHandler.writable`.
  @discardableResult
  public func send(_ message: [UInt8], compressed: Bool? = nil) -> Bool {
    let size = OutboundBuffer.framedSize(of: message)
    let waiting = unsent.add(size, ordering: .sequentiallyConsistent).newValue
    perform(.send(message, compressed: compressed))
    if waiting < Self.sendLimit { return true }
    waitsForRoom.store(true, ordering: .sequentiallyConsistent)
    // What waited may have gone out before the flag was up; then no `writable` would follow.
    return unsent.load(ordering: .sequentiallyConsistent) < Self.sendLimit / 2
  }

  /// Ends the call with status OK.
  public func finish(trailers: Metadata = Metadata()) {
    perform(.finish(trailers))
  }

  /// Sends one message and ends the call with status OK.
  public func respond(_ message: [UInt8]) {
    perform(.respond(message))
  }

  /// Ends the call with an error.
  public func fail(_ error: RPCError) {
    perform(.fail(error))
  }

  /// Asks the call's source again.
  public func wake() {
    perform(.wake)
  }

  enum Action: Sendable {
    case start(Metadata, compressionThreshold: Int?)
    case send([UInt8], compressed: Bool?)
    case respond([UInt8])
    case finish(Metadata)
    case fail(RPCError)
    case wake
    case takeRequests
  }

  /// What handlers in tasks say beside `send`. `[any thread]`
  func perform(_ action: Action) {
    if case .wake = action {
    } else if eventLoop.inEventLoop {
      apply(action)
      return
    }
    // A wake never works at once: the caller may be deep in another call's handler, and all that
    // one batch of input wakes is then done together.
    connection.mailbox.post(action, to: self)
  }

  func apply(_ action: Action) {
    switch action {
    case .start(let metadata, let threshold):
      if let threshold, state == .idle { compressionThreshold = threshold }
      start(metadata: metadata)
    case .send(let message, let compressed):
      start()
      guard !isFinished else { return }
      usesSend = true
      enqueue(message, compressed: compressed)
      resume()
    case .respond(let message):
      start()
      guard !isFinished else { return }
      enqueue(message)
      finishNow(Metadata())
    case .finish(let trailers): finishNow(trailers)
    case .fail(let error): failNow(error)
    case .wake: resume()
    case .takeRequests:
      untakenBytes = nil
      if !isFinished { connection.handlerHasRoom(self) }
    }
  }

  // MARK: Answering, on the event loop

  /// Sends the response headers now, without waiting for the first message.
  ///
  /// Metadata that is not a service's to send, such as keys that begin with `grpc-`, ends the call
  /// with INTERNAL, here as in `finish` and in an error.
  public func start(metadata: Metadata = Metadata()) {
    guard state == .idle else { return }
    if !metadata.isEmpty {
      do throws(RPCError) { try metadata.checkSendable() } catch { return abort(error) }
    }
    if compressionThreshold != nil {
      if !acceptsGzip { compressionThreshold = nil }
      outbound.compressionThreshold = compressionThreshold
    }
    state = .responding
    connection.submitResponse(self, metadata: metadata)
  }

  private func enqueue(_ message: [UInt8], compressed: Bool? = nil) {
    precondition(
      !isFilling, "\(path): a MessageSource appends to the buffer it is given; it does not send")
    let before = outbound.byteCount
    outbound.append(message, compressed: compressed)
    connection.waitingBytes += outbound.byteCount - before
    compressAnswers()
  }

  /// Compresses what there is to compress, or has it compressed.
  private func compressAnswers() {
    while let message = outbound.toCompress {
      guard connection.mayCompress(message.count) else { return connection.queueForGzip(self) }
      finishCompressing(Gzip.compress(message))
    }
  }

  /// What was to be compressed elsewhere is.
  func compressed(_ packed: [UInt8]) {
    // The stream may be gone, and its answers with it.
    guard outbound.toCompress != nil else { return }
    finishCompressing(packed)
    compressAnswers()
    resume()
  }

  private func finishCompressing(_ packed: [UInt8]) {
    let before = outbound.byteCount
    outbound.finishCompressing(packed)
    let saved = before - outbound.byteCount
    connection.waitingBytes -= saved
    // `send` has counted the message as it was.
    if usesSend && saved != 0 { unsent.subtract(saved, ordering: .sequentiallyConsistent) }
  }

  /// What this call has for the threads that inflate and compress.
  var gzipWork: ServerConnection.GzipWork? {
    if let packedRequest, !isFinished { return .inflate(packedRequest, limit: deframer.limit) }
    return outbound.toCompress.map { .compress($0) }
  }

  /// Takes answers from `source` from now on.
  public func stream(from source: any MessageSource) {
    self.source = source
    start()
    resume()
  }

  /// Answers a unary call with its only message.
  func answer(_ message: [UInt8]) {
    start()
    guard !isFinished else { return }
    enqueue(message)
    end = (nil, ())
    release()
  }

  private func finishNow(_ trailers: Metadata) {
    guard !isFinished else { return }
    var fields: HeaderFields?
    if !trailers.isEmpty {
      do throws(RPCError) { try trailers.checkSendable() } catch { return abort(error) }
      var list = HeaderFields()
      list.add("grpc-status", "0")
      list.add(trailers)
      fields = list
    }
    end = (fields, ())
    start()
    resume()
    release()
  }

  private func failNow(_ error: RPCError) {
    guard !isFinished else { return }
    defer { release() }
    var error = error
    do throws(RPCError) { try error.metadata.checkSendable() } catch let mistake { error = mistake }
    let (fitting, omitted) = error.trailers(within: connection.clientHeaderListSize)
    var fields = fitting
    if !omitted.isEmpty {
      connection.logger.debug(
        "the client has no room for all of a status",
        metadata: ["path": "\(path)", "omitted": "\(omitted.joined(separator: ", "))"])
    }
    if namesEncoding && error.code == .unimplemented {
      fields.add("grpc-accept-encoding", MessageEncoding.accepted)
    }
    if state == .idle {
      state = .ended
      connection.submitHeadersOnly(self, http: "200", fields: fields)
      return
    }
    end = (fields, ())
    resume()
  }

  /// Answers with an HTTP status and no gRPC status, for requests that are not gRPC at all.
  func reject(http status: String, _ message: String) {
    guard state == .idle else { return }
    state = .ended
    var fields = HeaderFields()
    fields.add("grpc-message", PercentEncoding.encode(message))
    connection.submitHeadersOnly(self, http: status, fields: fields)
  }

  private func resume() {
    guard isDeferred else { return }
    isDeferred = false
    connection.resumeData(self)
  }

  // MARK: What the connection tells

  /// How many bytes the next DATA frame may take; nil defers until `resume`.
  func dataAvailable(limit: Int) -> (count: Int, isLast: Bool)? {
    if let source, end == nil, outbound.byteCount < limit {
      let before = outbound.byteCount
      isFilling = true
      source.fill(&outbound, target: limit)
      isFilling = false
      connection.waitingBytes += outbound.byteCount - before
      compressAnswers()
    }
    let count = min(limit, outbound.readyCount)
    let isLast = end != nil && count == outbound.byteCount
    if count == 0 && !isLast {
      isDeferred = true
      return nil
    }
    return (count, isLast)
  }

  /// The trailers to send after the last DATA frame; nil stands for a plain OK.
  func takeTrailers() -> HeaderFields? {
    state = .ended
    return end?.trailers
  }

  func writeData(_ count: Int, into output: inout ByteBuffer) {
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
      outbound.read(into: UnsafeMutableRawBufferPointer(rebasing: space[..<count]))
      return count
    }
  }

  /// As many bytes are on their way.
  func wroteData(_ count: Int) {
    connection.waitingBytes -= count
    framesSent &+= 1
    if wait == .forOwnAnswers && outbound.byteCount < Self.sendLimit / 2 {
      // The connection goes on with it when this frame is through.
      wait = .queued
      connection.waitingCalls.append(self)
    }
    guard usesSend else { return }
    let waiting = unsent.subtract(count, ordering: .sequentiallyConsistent).newValue
    if waiting < Self.sendLimit / 2,
      waitsForRoom.exchange(false, ordering: .sequentiallyConsistent)
    {
      handler?.writable()
    }
  }

  /// Ends the call because its stream or connection is gone.
  func cancel(_ reason: RPCError) {
    let handler = self.handler
    let wasFinished = isFinished
    if !wasFinished { abandon() }
    state = .ended
    release()
    connection.waitingBytes -= outbound.byteCount
    outbound.removeAll()
    if !wasFinished { handler?.cancelled(reason) }
  }

  /// Ends the call because its time ran out or its request was wrong: the client is told.
  func abort(_ error: RPCError) {
    guard !isFinished else { return }
    let handler = self.handler
    abandon()
    failNow(error)
    handler?.cancelled(error)
  }

  /// Counts the call as open until its handler has let go of it.
  private func abandon() {
    guard handler != nil, !isAbandoned else { return }
    isAbandoned = true
    connection.abandonedCalls.add(1, ordering: .relaxed)
  }

  // MARK: What waits

  var takesRequestStream: Bool { method.map { !$0.takesOneRequest } ?? false }

  /// Bytes of answers that wait.
  var waitingBytes: Int { outbound.byteCount }

  /// Bytes of requests that have not reached the handler.
  var heldBytes: Int {
    deframer.heldBytes + heldInput.count + (packedRequest?.count ?? 0)
      + (receivedRequest?.count ?? 0) + (untakenBytes ?? 0)
  }

  /// The handler wants no more requests before `takeRequests`.
  ///
  /// - Parameter untaken: The bytes of those it has not taken yet.
  func holdRequests(untaken: Int) { untakenBytes = untaken }

  /// Whether requests wait that have come before what comes now.
  var holdsRequests: Bool { !heldInput.isEmpty || packedRequest != nil }

  /// Forgets requests that no handler will see.
  func dropRequests() {
    deframer = MessageDeframer(limit: deframer.limit)
    heldInput = []
    packedRequest = nil
    receivedRequest = nil
    if untakenBytes != nil { untakenBytes = 0 }
  }

  /// Lets go of what produced answers; those that wait still go out.
  private func release() {
    closed.store(true, ordering: .releasing)
    handler = nil
    source = nil
    receivedRequest = nil
  }

  /// Whether the handler has had its say, though frames may still be on their way out.
  var isFinished: Bool { state == .ended || end != nil }
}
