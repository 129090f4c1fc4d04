internal import DequeModule
internal import Threads

/// Requests on their way from the event loop to the task that reads them.
extension TaskCall {
  /// The event loop keeps further requests when so many bytes were not taken, until half of them
  /// are. Each request counts for a little more than its bytes.
  private static let limit = 16 * 1024
  private static let costOfRequest = 64

  // MARK: On the event loop

  func receive(_ request: [UInt8]) {
    let isCompressed = call.isRequestCompressed
    let (reader, unread) = state.withLock { state -> (Reader?, Int?) in
      guard state.end == nil else { return (nil, nil) }
      if let reader = state.reader.take() {
        state.wasRequestCompressed = isCompressed
        return (reader, nil)
      }
      state.requests.append((request, isCompressed))
      state.unreadBytes += request.count + Self.costOfRequest
      state.isFull = state.unreadBytes >= Self.limit
      return (nil, state.isFull ? state.unreadBytes : nil)
    }
    // The task that takes them posts its word to this event loop, where it comes after this one.
    if let unread { call.requests.handlerBecameFull(unread: unread) }
    reader?.resume(returning: .success(request))
  }

  /// The only request is with the handler.
  func receivedOnlyRequest() {
    let isCompressed = call.isRequestCompressed
    state.withLock { $0.wasRequestCompressed = isCompressed }
  }

  func requestsEnded() {
    let reader = state.withLock { state in
      state.hasAllRequests = true
      return state.reader.take()
    }
    reader?.resume(returning: .success(nil))
  }

  // MARK: In the task

  var wasRequestCompressed: Bool { state.withLock { $0.wasRequestCompressed } }

  /// The next request, nil after the last.
  func nextRequest() async throws(RPCError) -> [UInt8]? {
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { reader in
        if let result = take(orLeave: reader) { reader.resume(returning: result) }
      }
    } onCancel: {
      // `take` has found the task cancelled, or has left the reader before this.
      let reader = state.withLock { $0.reader.take() }
      reader?.resume(returning: .failure(Self.taskCancelled))
    }
    return try result.get()
  }

  /// Takes what is there, or leaves the reader to wait for it.
  private func take(orLeave reader: Reader) -> Result<[UInt8]?, RPCError>? {
    state.withLock { state -> Result<[UInt8]?, RPCError>? in
      if let end = state.end { return .failure(end) }
      if let request = state.requests.popFirst() {
        state.wasRequestCompressed = request.isCompressed
        state.unreadBytes -= request.bytes.count + Self.costOfRequest
        if state.isFull && state.unreadBytes < Self.limit / 2 {
          state.isFull = false
          call.perform(.resumeRequests)
        }
        return .success(request.bytes)
      }
      if state.hasAllRequests { return .success(nil) }
      if Task.isCancelled { return .failure(Self.taskCancelled) }
      precondition(state.reader == nil, "the requests of a call are read by one task at a time")
      state.reader = reader
      return nil
    }
  }

  static var taskCancelled: RPCError { RPCError(.cancelled, "the task was cancelled") }
}
