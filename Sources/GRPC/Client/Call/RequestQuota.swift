internal import Threads

/// How much of a request stream waits to be sent, between the task that writes and the event loop
/// that sends. Thread-safe.
final class RequestQuota: Sendable {
  private struct State {
    var unsent = 0
    var isClosed = false
    var writers: [CheckedContinuation<Bool, Never>] = []
  }

  private let state = Locked(State())

  /// A writer waits above this many bytes, until half of them are gone.
  static let limit = 256 * 1024

  /// Counts a message that is about to be handed to the event loop.
  ///
  /// - Returns: false when the call takes no more requests.
  func add(_ byteCount: Int) -> Bool {
    state.withLock { state in
      if state.isClosed { return false }
      state.unsent += byteCount
      return true
    }
  }

  /// Waits until more may be sent.
  ///
  /// - Returns: false when the call takes no more requests.
  func wait() async -> Bool {
    await withCheckedContinuation { writer in
      let answer = state.withLock { state -> Bool? in
        if state.isClosed { return false }
        if state.unsent <= Self.limit { return true }
        state.writers.append(writer)
        return nil
      }
      if let answer { writer.resume(returning: answer) }
    }
  }

  /// Bytes went out.
  func remove(_ byteCount: Int) {
    let writers = state.withLock { state in
      state.unsent -= byteCount
      return state.unsent <= Self.limit / 2 ? state.writers.takeAll() : []
    }
    for writer in writers { writer.resume(returning: true) }
  }

  /// Another attempt sends this many bytes again.
  func restart(with byteCount: Int) {
    state.withLock { $0.unsent = byteCount }
  }

  /// The call takes no more requests.
  func close() {
    let writers = state.withLock { state in
      state.isClosed = true
      return state.writers.takeAll()
    }
    for writer in writers { writer.resume(returning: false) }
  }
}

extension Array {
  /// The elements, leaving none.
  mutating func takeAll() -> [Element] {
    defer { self = [] }
    return self
  }
}
