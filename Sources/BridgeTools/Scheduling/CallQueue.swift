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

    mutating func popFirst() -> Job? {
      guard let owner = owners.popFirst(), let job = waiting[owner]?.popFirst()?.job else {
        return nil
      }
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
  ///   - job: Called by whoever leaves, when the turn comes later. It must not block.
  func enter(
    owner: UInt64? = nil, isContinuation: Bool = false, turn: CallTurn? = nil,
    deadline: Int64? = nil, _ job: @escaping Job
  ) -> Entry {
    state.withLock { state in
      if state.running < limit {
        state.running += 1
        return .now
      }
      guard isContinuation || mayWait(owner, state) else { return .refused }
      if let deadline, !isContinuation, isHopeless(deadline, owner, state) { return .hopeless }
      state.append(Waiting(job: job, turn: turn, deadline: deadline), of: owner)
      return .queued
    }
  }

  /// Ends a turn. The next job takes it over.
  ///
  /// - Parameter time: That it took, in nanoseconds; nil where nothing has run.
  func leave(after time: Int64? = nil) {
    let next = state.withLock { state -> Job? in
      if let time { state.times.note(time) }
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

  /// So many of an owner's calls are looked at to tell that one more is hopeless.
  private static let foresight = 1024

  /// Whether the owner's own calls that come before would surely keep one waiting beyond its deadline, if each
  /// took no longer than the shortest turn of late. What others have waiting only adds to that. Under the
  /// lock.
  private func isHopeless(_ deadline: Int64, _ owner: UInt64?, _ state: State) -> Bool {
    let now = MonotonicClock.now
    if deadline <= now { return true }
    // Most queues are short.
    guard let ahead = state.waiting[owner], ahead.count >= limit else { return false }
    guard let shortest = state.times.shortest,
      let needed = state.times.turns(in: deadline - now, limit: limit),
      needed <= min(ahead.count, Self.foresight)
    else { return false }
    var found = 0
    for call in ahead.prefix(Self.foresight) {
      if call.turn?.isWanted == false { continue }
      // It will not have ended of itself when its turn comes.
      let earliest = now + Int64(found / limit) * shortest
      if let deadline = call.deadline, deadline <= earliest { continue }
      found += 1
      if found >= needed { return true }
    }
    return false
  }

  /// How many calls wait.
  var waitingCount: Int { state.withLock(\.waitingCount) }
}
