internal import Threads

/// Responses, and the tasks that wait for room to send more.
extension TaskCall {
  /// Sends a response and waits until there is room for another.
  func send(_ response: [UInt8], compressed: Bool?) async throws(RPCError) {
    let ticket = try state.withLock { state throws(RPCError) -> Int? in
      if let end = state.end { throw end }
      if call.send(response, compressed: compressed) { return nil }
      state.awaitsRoom = true
      state.writersSoFar += 1
      return state.writersSoFar
    }
    guard let ticket else { return }
    let error = await withTaskCancellationHandler {
      await withCheckedContinuation { writer in
        let answer = state.withLock { state -> RPCError?? in
          if let end = state.end { return .some(end) }
          if !state.awaitsRoom { return .some(nil) }
          if Task.isCancelled { return .some(Self.taskCancelled) }
          state.writers[ticket] = writer
          return nil
        }
        if let answer { writer.resume(returning: answer) }
      }
    } onCancel: {
      let writer = state.withLock { $0.writers.removeValue(forKey: ticket) }
      writer?.resume(returning: Self.taskCancelled)
    }
    if let error { throw error }
  }

  /// There is room again. On the event loop.
  func writable() {
    let writers = state.withLock { state in
      state.awaitsRoom = false
      defer { state.writers = [:] }
      return Array(state.writers.values)
    }
    for writer in writers { writer.resume(returning: nil) }
  }
}
