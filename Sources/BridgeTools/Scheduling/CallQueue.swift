internal import DequeModule
internal import Threads

/// Lets a limited number of calls run at once. With a limit of one it is a serial queue.
///
/// Those who have calls waiting take turns, each with its calls in order: many calls of one client keep
/// another one's single call waiting for one turn.
///
/// A waiting call holds no thread. A call's turn ends when both its tool's function has returned and the
/// call has ended: either may come first. Thread-safe.
final class CallQueue: Sendable {
  typealias Job = @Sendable () -> Void

  private struct State {
    var running = 0
    /// The jobs of each owner that has some, in order.
    var waiting: [UInt64?: Deque<Job>] = [:]
    /// Those owners, in the order of their turns.
    var owners: Deque<UInt64?> = []
    var waitingCount = 0

    mutating func append(_ job: @escaping Job, of owner: UInt64?) {
      if waiting[owner]?.append(job) == nil {
        waiting[owner] = [job]
        owners.append(owner)
      }
      waitingCount += 1
    }

    mutating func popFirst() -> Job? {
      guard let owner = owners.popFirst(), let job = waiting[owner]?.popFirst() else { return nil }
      waitingCount -= 1
      if waiting[owner]?.isEmpty == true {
        waiting[owner] = nil
      } else {
        owners.append(owner)
      }
      return job
    }
  }

  /// Calls that run at once at most.
  let limit: Int
  /// Calls that may wait, and how many of one owner may: an eighth is left to others.
  private let waitingLimit: Int
  private var ownerLimit: Int { waitingLimit - waitingLimit / 8 }
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
  ///   - owner: Whose job it is; nil is one more owner, which leaves nothing to others.
  ///   - isContinuation: Whether work that runs already waits for this: then it may wait beyond the limit.
  ///   - job: Called by whoever leaves, when the turn comes later. It must not block.
  func enter(
    owner: UInt64? = nil, isContinuation: Bool = false, _ job: @escaping Job
  ) -> Entry {
    state.withLock { state in
      if state.running < limit {
        state.running += 1
        return .now
      }
      guard isContinuation || mayWait(owner, state) else { return .refused }
      state.append(job, of: owner)
      return .queued
    }
  }

  /// Ends a turn. The next job takes it over.
  func leave() {
    let next = state.withLock { state -> Job? in
      if let next = state.popFirst() { return next }
      state.running -= 1
      return nil
    }
    next?()
  }

  private func mayWait(_ owner: UInt64?, _ state: State) -> Bool {
    guard state.waitingCount < waitingLimit else { return false }
    return owner == nil || state.waiting[owner, default: []].count < ownerLimit
  }

  /// How many calls wait.
  var waitingCount: Int { state.withLock(\.waitingCount) }
}
