internal import CNghttp2
public import NIOCore

// What a call is at lies in values that are tested alone: `RequestStateMachine`, `ResponseStateMachine`,
// `SendBuffer`, `SendQuota`, `CallLife`. This class joins them to the connection and the handler.
//
// @unchecked: everything but constants, whose types are thread-safe, belongs to the event loop; the
// methods for any thread hop there.

/// One call that a server received: its metadata, its deadline, and the way to answer it.
///
/// `announce`, `send`, `finish`, `fail` and `wake` may be used from any thread; the rest on the
/// connection's event loop only.
public final class ServerCall: @unchecked Sendable {
  /// The event loop that owns this call.
  public let eventLoop: any EventLoop
  let connection: ServerConnection
  let id: Int32
  /// How many calls of the connection had begun with it.
  let number: Int

  /// Neighbours in the connection's list of open calls, which retains each call once.
  @exclusivity(unchecked) unowned(unsafe) var next: ServerCall?
  @exclusivity(unchecked) unowned(unsafe) var previous: ServerCall?

  // What its headers say.
  @exclusivity(unchecked) var method: ServedMethod?
  /// The request's metadata; nil when it has none.
  @exclusivity(unchecked) var callMetadata: CallMetadata?
  /// When the client gives up, on the monotonic clock; nil when it set no timeout.
  @exclusivity(unchecked) public internal(set) var deadline: NIODeadline?
  /// The same where the method has its deadline ignored: nobody ends the call then but its handler.
  @exclusivity(unchecked) package internal(set) var ignoredDeadline: NIODeadline?
  /// The client takes responses in gzip.
  @exclusivity(unchecked) var acceptsGzip = false
  /// The request names an encoding: tell which are known.
  @exclusivity(unchecked) var namesEncoding = false

  // What it is at.
  let life = CallLife()
  @exclusivity(unchecked) var requests: RequestStateMachine
  @exclusivity(unchecked) var responses = ResponseStateMachine()
  @exclusivity(unchecked) var sendBuffer = SendBuffer()
  let sendQuota = SendQuota()
  /// `send` was used, so that `sendQuota` is kept.
  @exclusivity(unchecked) var usesSend = false
  @exclusivity(unchecked) var handler: (any ServerCallHandler)?
  @exclusivity(unchecked) var source: (any MessageSource)?
  /// Set when another thread is to make the answer.
  @exclusivity(unchecked) var offloadedAnswer: OffloadedAnswer?
  /// Its handler has the only request, and has not ended the call: it counts among those that run.
  @exclusivity(unchecked) var isRunning = false
  /// Bytes of its request that are counted until nobody has the call any more.
  @exclusivity(unchecked) private var countedBytes = 0
  /// Its request was complete, and its handler has got it.
  @exclusivity(unchecked) var wasServed = false
  /// Its handler has said how long its response will be.
  @exclusivity(unchecked) var isAnswering = false
  /// It is in the connection's queue for the threads that inflate and compress.
  @exclusivity(unchecked) var isQueuedForGzip = false

  /// DATA frames that were sent, and since when none was though responses wait.
  @exclusivity(unchecked) var framesSent = 0
  @exclusivity(unchecked) var stall = Stall()
  /// What observers are told; nil when there are none.
  @exclusivity(unchecked) let record: CallRecord?

  init(connection: ServerConnection, id: Int32, number: Int, record: CallRecord?) {
    self.connection = connection
    self.eventLoop = connection.eventLoop
    self.id = id
    self.number = number
    self.requests = RequestStateMachine(messageLimit: connection.limits.messageSize)
    self.compressionThreshold = connection.limits.compressionThreshold
    self.record = record
    if let record { sendBuffer.record = record }
  }

  deinit {
    if life.isCancelled { connection.cancelledCallCount.subtract(1, ordering: .relaxed) }
    if countedBytes > 0 {
      connection.servedRequestBytes.subtract(countedBytes, ordering: .relaxed)
      connection.budget.addRequests(-countedBytes)
    }
  }

  /// Counts so many bytes of the request until nobody has the call any more, its handler included.
  ///
  /// - Throws: RESOURCE_EXHAUSTED when all requests would take more than they may.
  func hold(_ bytes: Int) throws(RPCError) {
    let own = connection.servedRequestBytes.load(ordering: .relaxed)
    guard connection.budget.mayHold(bytes, own: own) else {
      throw connection.budget.requestsRefused
    }
    countedBytes += bytes
    connection.servedRequestBytes.add(bytes, ordering: .relaxed)
    connection.budget.addRequests(bytes)
  }

  // MARK: The request

  /// The method's path, `/package.Service/Method`.
  public var path: String { method?.path ?? "" }

  /// The request's metadata, without the headers HTTP/2 and gRPC themselves use.
  public var metadata: Metadata { MetadataFields.metadata(of: metadataFields) }

  /// As it came; see `MetadataFields`.
  var metadataFields: [UInt8] { callMetadata?.fields ?? [] }

  /// Whether the request has metadata of a key; without taking the metadata apart.
  public func hasMetadata(_ key: StaticString) -> Bool {
    MetadataFields.contains(key, in: metadataFields)
  }

  /// Who calls.
  public var peer: Peer { connection.peer }

  /// The bearer token that let the call in; nil where the server asks for none, so that nobody has looked
  /// at what clients send.
  public var token: [UInt8]? {
    guard connection.asksForCredentials,
      let value = MetadataFields.values(of: "authorization", in: metadataFields).first
    else { return nil }
    return BearerToken.presented(in: value).map(Array.init)
  }

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

  /// Throws DEADLINE_EXCEEDED once the deadline has passed, before its timer says so: a handler that
  /// gets a request does what it says, though its client has been told that it failed.
  @inline(__always)
  func checkDeadline() throws(RPCError) {
    if let deadline, deadline <= eventLoop.now { throw Self.deadlinePassed }
  }

  static var deadlinePassed: RPCError {
    RPCError(.deadlineExceeded, "the call's deadline passed")
  }

  /// Whether the method takes a stream of requests; false before it is known.
  var takesRequestStream: Bool { method.map { !$0.takesOneRequest } ?? false }

  /// Whether its responses are made only when there is room for them.
  var hasSource: Bool { source != nil }

  /// Whether the call is over, finished or not. `[any thread]`
  public var isClosed: Bool { life.isOver }

  /// Whether the handler has ended the call, though frames may still wait to be sent.
  var isFinished: Bool { responses.isFinished }

  // MARK: Answering, from any thread

  /// Sends one message.
  ///
  /// - Parameter compressed: Whether to compress it, on a call whose `compressionThreshold` allows
  ///   it at all; nil goes by that threshold.
  /// - Returns: Whether there is room for more. A producer that goes on regardless only fills
  ///   memory; one that stops is told by `ServerCallHandler.writable`.
  @discardableResult
  public func send(_ message: [UInt8], compressed: Bool? = nil) -> Bool {
    let waiting = sendQuota.add(SendBuffer.framedSize(of: message))
    perform(.send(message, compressed: compressed))
    return sendQuota.hasRoom(waiting: waiting)
  }

  /// Says how long the response will be that the handler is about to make.
  ///
  /// Until the first response of a connection nobody knows how much its handlers answer, and a long
  /// one takes a while to make: said early, it keeps too many from beginning meanwhile. Nothing but the
  /// response, or an error, is to follow.
  ///
  /// - Parameter bytes: About as many as the response will have.
  public func announce(responseBytes bytes: Int) {
    perform(.announce(bytes))
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
    /// The handler knows how long its response will be.
    case announce(Int)
    /// The handler has read its requests, and wants more.
    case resumeRequests
  }

  /// Does it now on the event loop; from elsewhere, soon. `[any thread]`
  func perform(_ action: Action) {
    if case .wake = action {
    } else if eventLoop.inEventLoop {
      apply(action)
      return
    }
    // A wake never works at once: the caller may be deep in another call's handler, and all that
    // one batch of input wakes is then done together.
    connection.actionQueue.post(action, to: self)
  }

  func apply(_ action: Action) {
    switch action {
    case .start(let metadata, let threshold):
      if let threshold, responses.state == .idle { compressionThreshold = threshold }
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
    case .announce(let bytes):
      if isRunning && !isAnswering {
        isAnswering = true
        connection.handlers.beginAnswer(bytes)
      }
    case .resumeRequests: connection.handlerHasRoom(self)
    }
  }
}
