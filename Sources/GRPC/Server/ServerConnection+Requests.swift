internal import CNghttp2
internal import NIOCore

/// How the bytes of requests become messages, and what keeps them from filling memory.
///
/// Two things are bounded. Requests: what has arrived of messages that are not complete, or of calls
/// that wait, is counted, and beyond the limit the connection's window stays shut. Answers: beyond
/// their limits calls get no more requests, so that a client that sends and never reads is held back
/// by its own windows.
extension ServerConnection {
  // MARK: From bytes to messages

  func requestBytesReceived(_ bytes: UnsafeRawBufferPointer, of call: ServerCall) {
    var taken = bytes.count
    if call.isFinished {
      // Answered already: what still comes is dropped.
      if call.countedBytes > 0 { call.dropRequests() }
    } else if call.holdsRequests || (hasToWait(call) && call.takesRequestStream) {
      call.heldInput.append(contentsOf: bytes)
      taken = 0
      wait(call)
    } else {
      taken = deliver(bytes, to: call)
      if taken < bytes.count {
        call.heldInput.append(contentsOf: bytes[taken...])
        wait(call)
      }
    }
    countHeld(by: call)
    openWindows(call, taken: taken, received: bytes.count)
  }

  /// - Returns: How many of the bytes were used; none of the rest before there is room for answers,
  ///   or before a message that takes long to inflate is inflated.
  private func deliver(_ bytes: UnsafeRawBufferPointer, to call: ServerCall) -> Int {
    var rest = bytes
    do throws(RPCError) {
      while !call.isFinished, let message = try call.deframer.next(&rest) {
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
      call.dropRequests()
    }
    return call.isFinished ? bytes.count : bytes.count - rest.count
  }

  private func receive(
    _ message: [UInt8], isCompressed: Bool, of call: ServerCall
  ) throws(RPCError) {
    guard let method = call.method else { return }
    call.isRequestCompressed = isCompressed
    if !method.takesOneRequest {
      try call.handler?.receive(message)
      return
    }
    guard call.receivedRequest == nil else {
      throw RPCError(.unimplemented, "\(method.path) takes one request, and more arrived")
    }
    call.receivedRequest = message
  }

  /// The request that a call waited for is inflated.
  func inflated(_ request: Result<[UInt8], RPCError>, of call: ServerCall) {
    guard call.packedRequest != nil, !call.isFinished else { return }
    call.packedRequest = nil
    do throws(RPCError) {
      try receive(try request.get(), isCompressed: true, of: call)
    } catch {
      call.abort(error)
      call.dropRequests()
    }
    countHeld(by: call)
    if call.takesRequestStream && hasToWait(call) && !call.heldInput.isEmpty {
      wait(call)
    } else {
      goOn(call)
    }
  }

  func requestsEnded(_ call: ServerCall) {
    guard !call.isFinished, let method = call.method else { return }
    if call.holdsRequests || hasToWait(call) { return wait(call) }
    do throws(RPCError) {
      guard call.deframer.isBetweenMessages else {
        throw RPCError(.internalError, "the request ends in the middle of a message")
      }
      if !method.takesOneRequest {
        try call.handler?.requestsEnded()
        return
      }
      guard let request = call.receivedRequest else {
        throw RPCError(.unimplemented, "\(method.path) takes one request, and none arrived")
      }
      call.receivedRequest = nil
      if call.countedBytes > 0 { count(0, heldBy: call) }
      switch method.implementation {
      case .inline(let handler):
        call.answer(try handler(request, call))
      case .handler:
        try call.handler?.receive(request)
        try call.handler?.requestsEnded()
      }
    } catch {
      call.abort(error)
    }
  }

  // MARK: Requests that are held

  /// What a connection may hold of requests, where one message must fit.
  private var heldLimit: Int { max(limits.requestBytes, limits.messageSize) }

  /// A window that is as good as shut: less than a frame.
  private static let leastWindow: Int32 = 16_384

  private func countHeld(by call: ServerCall) {
    let held = call.heldBytes
    if held != call.countedBytes { count(held, heldBy: call) }
  }

  /// A call now holds so many bytes.
  func count(_ bytes: Int, heldBy call: ServerCall) {
    heldBytes += bytes - call.countedBytes
    call.countedBytes = bytes
    if withheldBytes > 0 && heldBytes <= heldLimit, let session {
      // Here and below: 0, or NGHTTP2_ERR_NOMEM; _INVALID_STATE is for sessions with automatic
      // updates.
      nghttp2_session_consume_connection(session, withheldBytes)
      withheldBytes = 0
      setNeedsFlush()
    }
  }

  /// Opens windows by what was received: the stream's by what was used of it, the connection's
  /// unless it holds too much already.
  private func openWindows(_ call: ServerCall, taken: Int, received: Int) {
    if heldBytes <= heldLimit && taken == received {
      nghttp2_session_consume(session, call.id, received)
      return
    }
    if taken > 0 { nghttp2_session_consume_stream(session, call.id, taken) }
    if heldBytes <= heldLimit {
      nghttp2_session_consume_connection(session, received)
      return
    }
    withheldBytes += received
    endYoungestHolders()
  }

  /// Ends calls for which there is no hope but that others end.
  ///
  /// With its window shut the client cannot complete any of its requests; what is being inflated may
  /// still go on by itself. Messages that inflated may be far over the limit before that.
  func endYoungestHolders() {
    while heldBytes > heldLimit,
      heldBytes > heldLimit + limits.connectionWindow
        || (!isAwaitingGzip
          && nghttp2_session_get_local_window_size(session) < Self.leastWindow),
      let youngest = youngestHolder()
    {
      youngest.abort(
        RPCError(
          .resourceExhausted, "the unfinished requests of this connection take \(heldBytes) bytes"))
      youngest.dropRequests()
      count(0, heldBy: youngest)
    }
  }

  private func youngestHolder() -> ServerCall? {
    // The newest call is first.
    var call = firstCall
    while let current = call, current.countedBytes == 0 { call = current.next }
    return call
  }

  // MARK: Calls that wait

  /// Whether more answers wait than may, so that the call must not get another request.
  private func hasToWait(_ call: ServerCall) -> Bool {
    waitingBytes >= limits.answerBytes || call.waitingBytes >= ServerCall.sendLimit
      || call.untakenBytes != nil
  }

  private func wait(_ call: ServerCall) {
    guard call.wait == .none, call.packedRequest == nil else { return }
    if call.waitingBytes >= ServerCall.sendLimit {
      // It is queued when they have gone out.
      call.wait = .forOwnAnswers
    } else if call.untakenBytes != nil {
      call.wait = .forHandler
    } else {
      call.wait = .queued
      waitingCalls.append(call)
    }
  }

  /// The handler of a call has taken its requests, and wants more.
  func handlerHasRoom(_ call: ServerCall) {
    count(call.heldBytes, heldBy: call)
    guard call.wait == .forHandler else { return }
    call.wait = .queued
    waitingCalls.append(call)
    setNeedsFlush()
  }

  /// Serves calls that wait, as far as there is room for their answers.
  ///
  /// - Returns: Whether it did anything.
  func goOnWithCalls() -> Bool {
    var count = waitingCalls.count
    var didWork = false
    while count > 0, waitingBytes < limits.answerBytes, let call = waitingCalls.popFirst() {
      count -= 1
      call.wait = .none
      guard !call.isFinished else { continue }
      guard call.untakenBytes == nil else {
        wait(call)
        continue
      }
      didWork = true
      goOn(call)
    }
    return didWork
  }

  private func goOn(_ call: ServerCall) {
    if !call.heldInput.isEmpty {
      let input = call.heldInput
      call.heldInput = []
      let taken = input.withUnsafeBytes { deliver($0, to: call) }
      if taken < input.count && !call.isFinished { call.heldInput = Array(input[taken...]) }
      countHeld(by: call)
      nghttp2_session_consume_stream(session, call.id, taken)
    }
    if !call.heldInput.isEmpty {
      wait(call)
    } else if call.requestsEnded {
      requestsEnded(call)
    }
  }
}
