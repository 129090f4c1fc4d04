internal import DequeModule
internal import Threads

/// Lets a limited number of calls run at once, in order. With a limit of one it is a serial queue.
///
/// A waiting call holds no thread. A call's turn ends when both its tool's function has returned and the
/// call has ended: either may come first. Thread-safe.
final class CallQueue: Sendable {
  typealias Job = @Sendable () -> Void

  private struct State {
    var running = 0
    var waiting: Deque<Job> = []
  }

  /// Calls that run at once at most.
  let limit: Int
  /// Calls that may wait.
  private let waitingLimit: Int
  private let state = Locked(State())

  init(limit: Int, waitingLimit: Int) {
    self.limit = max(1, limit)
    self.waitingLimit = waitingLimit
  }

  enum Entry {
    /// The job's turn is now: the caller runs it, and calls `leave` at its end.
    case now
    /// The job runs when its turn comes: it calls `leave` at its end.
    case queued
    /// Too many wait; the job is dropped.
    case refused
  }

  /// Asks for a turn.
  ///
  /// - Parameters:
  ///   - isContinuation: Whether work that runs already waits for this: then it may wait beyond the limit.
  ///   - job: Called by whoever leaves, when the turn comes later. It must not block.
  func enter(isContinuation: Bool = false, _ job: @escaping Job) -> Entry {
    state.withLock { state in
      if state.running < limit {
        state.running += 1
        return .now
      }
      guard isContinuation || state.waiting.count < waitingLimit else { return .refused }
      state.waiting.append(job)
      return .queued
    }
  }

  /// Ends a turn. The next job takes it over.
  func leave() {
    let next = state.withLock { state -> Job? in
      if let next = state.waiting.popFirst() { return next }
      state.running -= 1
      return nil
    }
    next?()
  }

  /// How many calls wait.
  var waitingCount: Int { state.withLock(\.waiting.count) }
}
