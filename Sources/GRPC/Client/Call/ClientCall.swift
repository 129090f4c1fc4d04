internal import NIOCore

/// One call from its caller's side, over all attempts that are made at it.
///
/// `begin`, `send`, `finishRequests`, `cancel`, the inbox and the quota may be used from any thread;
/// the rest belongs to the client's event loop.
// @unchecked: what is not constant belongs to the event loop; the methods for any thread hop there.
final class ClientCall: @unchecked Sendable {
  let path: String
  let options: CallOptions
  let deadline: NIODeadline?
  /// Whether exactly one response makes the call.
  let takesOneResponse: Bool
  /// What the caller reads.
  let inbox: ResponseInbox
  /// Where the caller waits to write.
  let quota = RequestQuota()

  private let dispatcher: CallDispatcher
  private let link: StreamLink

  /// What was asked so far, for the next attempt; nil once there can be none.
  private var replay: [SentMessage]? = []
  private var replaySize = 0
  private var requestsEnded = false
  private var retry: RetryState
  private var backoff: Scheduled<Void>?
  private(set) var isOver = false
  /// In the dispatcher's queue.
  var isWaiting = false

  /// The stream of the present attempt. A box of its own, so that the inbox, which returns bytes
  /// to its window, need not hold the call.
  private final class StreamLink: @unchecked Sendable {
    // Event loop only.
    var stream: ClientStream?
  }

  init(
    path: String, options: CallOptions, takesOneResponse: Bool, dispatcher: CallDispatcher
  ) {
    self.path = path
    self.options = options
    self.takesOneResponse = takesOneResponse
    self.dispatcher = dispatcher
    self.deadline = options.timeout.map { NIODeadline.now() + $0 }
    self.retry = RetryState(policy: options.retries ?? dispatcher.configuration.retries)
    let link = StreamLink()
    self.link = link
    self.inbox = ResponseInbox(
      window: dispatcher.configuration.streamWindow,
      messageLimit: dispatcher.configuration.messageSize,
      returnBytes: { byteCount in
        dispatcher.eventLoop.execute { link.stream?.consume(byteCount) }
      },
      giveUp: { error in
        dispatcher.eventLoop.execute { link.stream?.giveUp(error) }
      })
  }

  // MARK: From any thread

  /// Begins the call; for one that asks once, with its only request.
  func begin(with request: [UInt8]? = nil) {
    let request = request.map { SentMessage(bytes: $0) }
    if let request { _ = quota.add(request.framedSize) }
    dispatcher.eventLoop.execute {
      if let request {
        self.append(request)
        self.requestsEnded = true
      }
      do throws(RPCError) {
        try RequestFields.check(self.options.metadata)
        self.dispatcher.begin(self)
      } catch {
        self.end(CallEnd(error: error), dropping: true)
      }
    }
  }

  /// Sends one request.
  ///
  /// - Returns: false when the call takes no more of them.
  func send(_ request: SentMessage) async -> Bool {
    guard quota.add(request.framedSize) else { return false }
    dispatcher.eventLoop.execute { self.append(request) }
    return await quota.wait()
  }

  func finishRequests() {
    dispatcher.eventLoop.execute {
      self.requestsEnded = true
      self.link.stream?.endRequests()
    }
  }

  func cancel() {
    dispatcher.eventLoop.execute {
      self.stop(RPCError(.cancelled, "the call was cancelled by its caller"))
    }
  }

  // MARK: Requests, on the event loop

  private func append(_ request: SentMessage) {
    guard !isOver, !requestsEnded else { return }
    if replay != nil {
      replay?.append(request)
      replaySize += request.framedSize
    }
    guard let stream = link.stream else { return }
    // Until it has begun, an attempt may have to be made on another connection.
    if replaySize > dispatcher.configuration.retryBufferSize, stream.wasOpened { commit() }
    stream.append(request)
  }

  /// No further attempt is possible: what it would need goes.
  private func commit() { replay = nil }

  /// Begins an attempt on a stream.
  func attach(to stream: ClientStream) {
    link.stream = stream
    quota.restart(with: replaySize)
    for request in replay ?? [] { stream.append(request) }
    if requestsEnded { stream.endRequests() }
  }

  /// The header fields of the attempt that begins.
  func fields(from fields: RequestFields) -> HeaderFields {
    fields.fields(
      path: path, timeout: deadline.map { $0 - .now() },
      compresses: options.compressionThreshold != nil, metadata: options.metadata,
      previousAttempts: retry.failures)
  }

  // MARK: Responses, on the event loop

  func responseBegan(_ metadata: Metadata) {
    commit()
    inbox.receive(metadata)
  }

  /// The present attempt is over.
  func attemptEnded(_ end: CallEnd, _ progress: RetryState.Progress) {
    link.stream = nil
    guard !isOver else { return }
    guard let error = end.error, replay != nil else { return self.end(end, dropping: false) }
    var generator = SystemRandomNumberGenerator()
    switch retry.decide(error.code, progress, end.pushback, using: &generator) {
    case .giveUp: self.end(end, dropping: false)
    case .now: dispatcher.place(self)
    case .after(let time):
      // An attempt that would begin too late leaves the caller the better error.
      if let deadline, .now() + time >= deadline { return self.end(end, dropping: false) }
      backoff = dispatcher.eventLoop.scheduleTask(in: time) { self.dispatcher.place(self) }
    }
  }

  /// No connection could be had for an attempt.
  func connectingFailed(_ error: RPCError) {
    attemptEnded(CallEnd(error: error), .sent)
  }

  // MARK: The end, on the event loop

  /// Ends the call from this side.
  func stop(_ error: RPCError) {
    guard !isOver else { return }
    let stream = link.stream.take()
    stream?.abandon()
    end(CallEnd(error: error), dropping: true)
  }

  private func end(_ end: CallEnd, dropping: Bool) {
    guard !isOver else { return }
    isOver = true
    backoff?.cancel()
    backoff = nil
    commit()
    quota.close()
    inbox.finish(end, dropping: dropping)
    dispatcher.ended(self)
  }
}
