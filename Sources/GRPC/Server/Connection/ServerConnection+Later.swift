internal import DequeModule

/// Answers that other threads make: one at a time, whichever of the connection's calls it is of.
extension ServerConnection {
  /// Gives a call its turn, when it comes.
  ///
  /// - Throws: RESOURCE_EXHAUSTED when the requests that wait would take more than they may.
  func queueForLater(_ call: ServerCall, _ answer: LaterAnswer) throws(RPCError) {
    guard laterBytes + answer.byteCount <= laterLimit else {
      throw RPCError(
        .resourceExhausted,
        "requests of this connection that wait for a thread take more than \(laterLimit) bytes")
    }
    try call.hold(answer.byteCount)
    laterBytes += answer.byteCount
    if call.handler == nil { call.handler = answer }
    if !call.isRunning {
      handlers.begin()
      call.isRunning = true
    }
    laterQueue.append(call)
    startLater()
  }

  /// One message must fit.
  private var laterLimit: Int { max(limits.requestBytes, limits.messageSize) }

  private func startLater() {
    guard !isAwaitingLater else { return }
    while let call = laterQueue.popFirst() {
      guard let answer = call.laterAnswer, !call.isClosed else {
        letGoOfLater(call)
        continue
      }
      isAwaitingLater = true
      let (work, deliver) = (answer.work, answer.deliver)
      laterWorkers.run {
        do throws(RPCError) {
          let message = try work()
          if let deliver { deliver(message, call) } else { call.respond(message) }
        } catch {
          call.fail(error)
        }
        call.eventLoop.execute { call.connection.laterDone(call) }
      }
      return
    }
  }

  private func laterDone(_ call: ServerCall) {
    isAwaitingLater = false
    letGoOfLater(call)
    startLater()
  }

  private func letGoOfLater(_ call: ServerCall) {
    laterBytes -= call.laterAnswer?.byteCount ?? 0
    call.laterAnswer = nil
  }
}
