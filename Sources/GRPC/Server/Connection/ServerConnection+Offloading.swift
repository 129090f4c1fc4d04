internal import DequeModule

/// What other threads do for calls: one at a time, whichever of the connection's calls it is of.
extension ServerConnection {
  /// Gives a call its turn, when it comes.
  ///
  /// - Throws: RESOURCE_EXHAUSTED when the requests that wait would take more than they may.
  func offload(_ call: ServerCall, _ answer: OffloadedAnswer) throws(RPCError) {
    guard offloadedBytes + answer.byteCount <= offloadLimit else {
      throw RPCError(
        .resourceExhausted,
        "requests of this connection that wait for a thread take more than \(offloadLimit) bytes",
        isTransient: true)
    }
    // The work may ask for it, and it is made on the event loop.
    _ = peer
    if call.handler == nil { call.handler = answer }
    if !call.isRunning {
      try call.hold(answer.byteCount)
      handlers.begin()
      call.isRunning = true
    }
    offloadedBytes += answer.byteCount
    offloadQueue.append(call)
    startOffloaded()
  }

  /// One message must fit.
  private var offloadLimit: Int { max(limits.requestBytes, limits.messageSize) }

  /// Begins the next one, unless the client has to read first.
  func startOffloaded() {
    guard !awaitsOffloaded, !answersAreFull else { return }
    while let call = offloadQueue.popFirst() {
      guard let answer = call.offloadedAnswer, !call.isClosed else {
        letGoOfOffloaded(call)
        continue
      }
      awaitsOffloaded = true
      let (work, deliver) = (answer.work, answer.deliver)
      offloadWorkers.run {
        do throws(RPCError) {
          if let message = try work() {
            if let deliver { deliver(message, call) } else { call.respond(message) }
          }
        } catch {
          call.fail(error)
        }
        call.eventLoop.execute { call.connection.offloadedDone(call) }
      }
      return
    }
  }

  private func offloadedDone(_ call: ServerCall) {
    awaitsOffloaded = false
    letGoOfOffloaded(call)
    startOffloaded()
  }

  private func letGoOfOffloaded(_ call: ServerCall) {
    offloadedBytes -= call.offloadedAnswer?.byteCount ?? 0
    call.offloadedAnswer = nil
  }
}
