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

  private struct Waiting {
    let job: Job
    /// Whose turn it is, if it can end before.
    let turn: CallTurn?
    /// Of `MonotonicClock`; nil for none.
    let deadline: Int64?
    /// Whether it runs on a thread of the pool.
    let needsThread: Bool
  }

  private struct State {
    var running = 0
    /// The jobs of each owner that has some, in order.
    var waiting: [UInt64?: Deque<Waiting>] = [:]
    var times = TurnTimes()
    /// Those owners, in the order of their turns.
    var owners: Deque<UInt64?> = []
    var waitingCount = 0

    mutating func append(_ job: Waiting, of owner: UInt64?) {
      if waiting[owner]?.append(job) == nil {
        waiting[owner] = [job]
        owners.append(owner)
      }
      waitingCount += 1
    }

    /// The next job that can run.
    mutating func popFirst(_ canRun: (UInt64?, Waiting) -> Bool) -> Job? {
      for (index, owner) in owners.enumerated() {
        guard let first = waiting[owner]?.first, canRun(owner, first) else { continue }
        waiting[owner]?.removeFirst()
        owners.remove(at: index)
        waitingCount -= 1
        if waiting[owner]?.isEmpty == true {
          waiting[owner] = nil
        } else {
          owners.append(owner)
        }
        return first.job
      }
      return nil
    }
  }

  /// Calls that run at once at most.
  let limit: Int
  /// Calls that may wait, and how many of one owner may: an eighth is left to others.
  private let waitingLimit: Int
  private var ownerLimit: Int { waitingLimit - waitingLimit / 8 }
  private let state = Locked(State())
  /// Where jobs that need a thread have it from.
  private let pool: WorkerPool?

  init(limit: Int, waitingLimit: Int, pool: WorkerPool? = nil) {
    self.limit = max(1, limit)
    self.waitingLimit = waitingLimit
    self.pool = pool
  }

  enum Entry {
    /// The job's turn is now: the caller runs it, and calls `leave` at its end.
    case now
    /// The job runs when its turn comes: it calls `leave` at its end.
    case queued
    /// Too many wait; the job is dropped.
    case refused
    /// The turn would surely come after the deadline; the job is dropped.
    case hopeless
  }

  /// Asks for a turn.
  ///
  /// - Parameters:
  ///   - owner: Whose job it is; nil is one more owner, which leaves nothing to others.
  ///   - isContinuation: Whether work that runs already waits for this: then it may wait beyond the limit.
  ///   - turn: That is to come, for others to know whether anybody still waits for it.
  ///   - deadline: After which it is of no use, of `MonotonicClock`.
  ///   - needsThread: Whether it is to run on a thread of the pool: then its turn comes together with a place
  ///     there, which the job or the caller uses or gives back. One whose owner has its share of threads
  ///     lets others go before it.
  ///   - job: Called by whoever leaves, when the turn comes later. It must not block.
  func enter(
    owner: UInt64? = nil, isContinuation: Bool = false, turn: CallTurn? = nil,
    deadline: Int64? = nil, needsThread: Bool = false, _ job: @escaping Job
  ) -> Entry {
    state.withLock { state in
      if state.running < limit && (!needsThread || hasThread(owner)) {
        state.running += 1
        return .now
      }
      guard isContinuation || mayWait(owner, state) else { return .refused }
      if let deadline, !isContinuation, isHopeless(deadline, owner, state) { return .hopeless }
      state.append(
        Waiting(job: job, turn: turn, deadline: deadline, needsThread: needsThread), of: owner)
      return .queued
    }
  }

  /// Ends a turn. The next job takes it over.
  ///
  /// - Parameter time: That it took, in nanoseconds; nil where nothing has run.
  func leave(after time: Int64? = nil) {
    let next = state.withLock { state -> Job? in
      if let time { state.times.note(time) }
      if let next = popFirst(&state) { return next }
      state.running -= 1
      return nil
    }
    next?()
  }

  /// Under the lock.
  private func popFirst(_ state: inout State) -> Job? {
    state.popFirst { owner, waiting in !waiting.needsThread || hasThread(owner) }
  }

  /// Takes a place in the pool. Where there is none, the queue looks again once there may be. Under the lock.
  private func hasThread(_ owner: UInt64?) -> Bool {
    guard let pool else { return true }
    return pool.reserve(owner, for: ObjectIdentifier(self)) { [weak self] in self?.lookAgain() }
  }

  /// An owner may have a thread again.
  private func lookAgain() {
    while true {
      let next = state.withLock { state -> Job? in
        guard state.running < limit, let next = popFirst(&state) else { return nil }
        state.running += 1
        return next
      }
      guard let next else { return }
      next()
    }
  }

  private func mayWait(_ owner: UInt64?, _ state: State) -> Bool {
    guard state.waitingCount < waitingLimit else { return false }
    return owner == nil || state.waiting[owner, default: []].count < ownerLimit
  }

  /// Under the lock.
  private func isHopeless(_ deadline: Int64, _ owner: UInt64?, _ state: State) -> Bool {
    state.times.isHopeless(deadline, limit: limit, behind: state.waiting[owner] ?? []) {
      ($0.turn?.isWanted != false, $0.deadline)
    }
  }

  /// How many calls wait.
  var waitingCount: Int { state.withLock(\.waitingCount) }
}
