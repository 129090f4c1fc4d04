internal import CNghttp2
internal import NIOCore

/// How the bytes of requests become messages, and what keeps them from filling memory.
///
/// Two things are bounded. Requests: what has arrived of messages that are not complete, or of calls
/// that wait, is counted, and beyond the limit the connection's window stays shut. Responses: beyond
/// their limits calls get no more requests, so that a client that sends and never reads is held back
/// by its own windows.
extension ServerConnection {
  // MARK: From bytes to messages

  func requestBytesReceived(_ bytes: UnsafeRawBufferPointer, of call: ServerCall) {
    var taken = bytes.count
    switch call.requests.arrival(mustWait: call.takesRequestStream && hasToWait(call)) {
    case .discard: break
    case .hold:
      call.requests.hold(bytes)
      taken = 0
      wait(call)
    case .read:
      taken = deliver(bytes, to: call)
      if taken < bytes.count {
        call.requests.hold(bytes[taken...])
        wait(call)
      }
    }
    // What is complete goes to its handler next, or is counted then. Of a last frame that is not all
    // here, there is one a connection.
    if taken < bytes.count || !dataEndsStream { recount(call) }
    openWindows(call, taken: taken, received: bytes.count)
  }

  /// - Returns: How many of the bytes were used; none of the rest before there is room for responses,
  ///   or before a message that takes long to inflate is inflated.
  private func deliver(_ bytes: UnsafeRawBufferPointer, to call: ServerCall) -> Int {
    var rest = bytes
    do throws(RPCError) {
      while !call.isFinished, let message = try call.requests.next(&rest) {
        call.record?.requests.add(message.bytes.count)
        if !message.isCompressed {
          try receive(message.bytes, isCompressed: false, of: call)
        } else if let request = try inflate(message.bytes, of: call) {
          try receive(request, isCompressed: true, of: call)
        } else {
          break
        }
        if call.takesRequestStream && hasToWait(call) { break }
      }
    } catch {
      call.abort(error)
    }
    return call.isFinished ? bytes.count : bytes.count - rest.count
  }

  private func receive(
    _ message: [UInt8], isCompressed: Bool, of call: ServerCall
  ) throws(RPCError) {
    guard let method = call.method else { return }
    try call.checkDeadline()
    call.isRequestCompressed = isCompressed
    if method.takesOneRequest {
      try call.requests.keepOnlyRequest(message, of: method.path)
    } else {
      try call.handler?.receive(message)
    }
  }

  /// The request that a call waited for is inflated.
  func inflated(_ request: Result<[UInt8], RPCError>, of call: ServerCall) {
    guard call.requests.finishInflating() else { return }
    do throws(RPCError) {
      try receive(try request.get(), isCompressed: true, of: call)
    } catch {
      call.abort(error)
    }
    recount(call)
    if call.takesRequestStream && hasToWait(call) && call.requests.holdsInput {
      wait(call)
    } else {
      resume(call)
    }
  }

  /// The client has sent its last request.
  func deliverEnd(to call: ServerCall) {
    guard !call.isFinished, let method = call.method else { return }
    if !call.requests.canDeliverEnd || hasToWait(call) || handlerHasToWait(method) {
      recount(call)
      return wait(call)
    }
    do throws(RPCError) {
      try call.requests.deliverEnd()
      try call.checkDeadline()
      if !method.takesOneRequest {
        call.wasServed = true
        try call.handler?.requestsEnded()
        return
      }
      let request = try call.requests.takeOnlyRequest(of: method.path)
      if call.requests.isCounted { recount(call) }
      call.wasServed = true
      switch method.implementation {
      case .inline(let handler):
        call.answer(try handler(request, call))
      case .inlineParts(let handler):
        call.answer(try handler(request, call))
      case .handler:
        try call.hold(request.count)
        handlers.begin()
        call.isRunning = true
        try call.handler?.receive(request)
        try call.handler?.requestsEnded()
      }
    } catch {
      guard let answer = call.offloadedAnswer else { return call.abort(error) }
      do throws(RPCError) { try offload(call, answer) } catch { call.abort(error) }
    }
  }

  // MARK: Requests that are held

  /// What a connection may hold of requests, where one message must fit; little when all connections
  /// together hold too much.
  private var heldLimit: Int {
    let own = max(limits.requestBytes, limits.messageSize)
    return isOverTotal ? min(own, HostBudget.requests(leftTo: heldRequestBytes)) : own
  }

  /// Whether all connections hold so much that this one may not hold what it does.
  private var isOverTotal: Bool { !budget.mayHold(0, own: heldRequestBytes) }

  /// A window that is as good as shut: less than a frame.
  private static let leastWindow: Int32 = 16_384

  /// Counts what a call holds now.
  func recount(_ call: ServerCall) {
    let change = call.requests.recount()
    if change == 0 { return }
    heldRequestBytes += change
    if unconsumedBytes > 0 && heldRequestBytes <= heldLimit, let session {
      // Here and below: 0, or NGHTTP2_ERR_NOMEM; _INVALID_STATE is for sessions with automatic
      // updates.
      nghttp2_session_consume_connection(session, unconsumedBytes)
      unconsumedBytes = 0
      setNeedsFlush()
    }
  }

  /// Opens windows by what was received: the stream's by what was used of it, the connection's
  /// unless it holds too much already.
  private func openWindows(_ call: ServerCall, taken: Int, received: Int) {
    if heldRequestBytes <= heldLimit && taken == received {
      nghttp2_session_consume(session, call.id, received)
      return
    }
    if taken > 0 { nghttp2_session_consume_stream(session, call.id, taken) }
    if heldRequestBytes <= heldLimit {
      nghttp2_session_consume_connection(session, received)
      return
    }
    unconsumedBytes += received
    endCallsOverLimit()
  }

  /// Ends the newest calls that hold requests, where nothing else would ever make room.
  ///
  /// With its window shut the client cannot complete any of its requests; what is being inflated may
  /// still go on by itself. Messages that inflated may be far over the limit before that.
  func endCallsOverLimit() {
    while heldRequestBytes > heldLimit,
      heldRequestBytes > heldLimit + limits.connectionWindow
        || isOverTotal
        || (!isAwaitingGzip
          && nghttp2_session_get_local_window_size(session) < Self.leastWindow),
      let call = newestCallHoldingRequests()
    {
      call.abort(
        isOverTotal
          ? budget.requestsRefused
          : RPCError(
            .resourceExhausted,
            "the unfinished requests of this connection take \(heldRequestBytes) bytes",
            isTransient: true))
      call.requests.discard()
      recount(call)
    }
  }

  private func newestCallHoldingRequests() -> ServerCall? {
    // The newest call is first.
    var call = firstCall
    while let current = call, !current.requests.isCounted { call = current.next }
    return call
  }

  // MARK: Calls that wait

  /// Whether more responses wait than may, so that the call must not get another request.
  private func hasToWait(_ call: ServerCall) -> Bool {
    answersAreFull || call.sendBuffer.byteCount >= SendQuota.limit || call.requests.handlerIsFull
  }

  /// Whether nothing begins before the client has read some of what waits for it.
  var answersAreFull: Bool {
    queuedResponseBytes >= limits.answerBytes || budget.holdsUpAnswers(own: queuedResponseBytes)
  }

  /// Whether too many handlers run already for another to begin.
  private func handlerHasToWait(_ method: ServedMethod) -> Bool {
    guard method.takesOneRequest, case .handler = method.implementation,
      answersAreFull
        || !handlers.mayBegin(queued: queuedResponseBytes, limit: limits.answerBytes)
    else { return false }
    if allowanceTimer == nil {
      let connection = NIOLoopBound(self, eventLoop: eventLoop)
      allowanceTimer = eventLoop.scheduleTask(in: Self.allowanceTime) {
        connection.value.allowMoreHandlers()
      }
    }
    return true
  }

  /// How long none may have ended before some more begin.
  private static let allowanceTime = TimeAmount.milliseconds(100)

  private func allowMoreHandlers() {
    allowanceTimer = nil
    guard !answersAreFull, !waitingCalls.isEmpty else { return }
    handlers.allowMore()
    // The first that has to wait sets the timer again.
    setNeedsFlush()
  }

  /// The handler of a call has ended it, or answers as there is room from now on.
  func handlerEnded(_ call: ServerCall) {
    call.isRunning = false
    handlers.end(wasAnswering: call.isAnswering)
    allowanceTimer?.cancel()
    allowanceTimer = nil
    if !waitingCalls.isEmpty { setNeedsFlush() }
  }

  /// Lets go of calls that have ended while they waited, once they are more than those that wait.
  func forgetEndedWaiters() {
    if waitingCalls.count > 2 * callCount + 64 { waitingCalls.removeAll { $0.isFinished } }
  }

  private func wait(_ call: ServerCall) {
    let ownResponsesWait = call.sendBuffer.byteCount >= SendQuota.limit
    if call.requests.beginWaiting(ownResponsesWait: ownResponsesWait) { waitingCalls.append(call) }
  }

  /// The handler of a call has read its requests, and wants more.
  func handlerHasRoom(_ call: ServerCall) {
    let isQueued = call.requests.handlerHasRoom()
    guard !call.isFinished else { return }
    recount(call)
    if isQueued {
      waitingCalls.append(call)
      setNeedsFlush()
    }
  }

  /// Serves calls that wait, as far as there is room for their responses.
  ///
  /// - Returns: Whether it did anything.
  func resumeWaitingCalls() -> Bool {
    var count = waitingCalls.count
    var didWork = false
    while count > 0, !answersAreFull, let call = waitingCalls.popFirst() {
      count -= 1
      call.requests.leaveQueue()
      guard !call.isFinished else { continue }
      guard !call.requests.handlerIsFull else {
        wait(call)
        continue
      }
      resume(call)
      // It may have to wait on, for handlers that run.
      if call.requests.wait == .none { didWork = true }
    }
    return didWork
  }

  /// Goes on with what a call has received.
  private func resume(_ call: ServerCall) {
    if call.requests.holdsInput {
      let input = call.requests.takeHeldInput()
      let taken = input.withUnsafeBytes { deliver($0, to: call) }
      if taken < input.count && !call.isFinished { call.requests.hold(input[taken...]) }
      recount(call)
      nghttp2_session_consume_stream(session, call.id, taken)
    }
    if call.requests.holdsInput {
      wait(call)
    } else if call.requests.hasEnded {
      deliverEnd(to: call)
    }
  }
}
