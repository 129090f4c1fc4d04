internal import DequeModule
internal import Threads

/// Runs jobs of a pool one at a time, in order: for tools that declare themselves serial.
///
/// A waiting job holds no thread.
final class SerialLane: Sendable {
  private struct State {
    var isRunning = false
    var waiting: Deque<WorkerPool.Job> = []
  }

  private let pool: WorkerPool
  private let state = Locked(State())

  init(pool: WorkerPool) { self.pool = pool }

  /// - Returns: false when too many jobs wait; the job is dropped.
  func submit(_ job: @escaping WorkerPool.Job) -> Bool {
    let decision = state.withLock { state -> Bool? in
      if state.isRunning {
        guard state.waiting.count < pool.queueLimit else { return false }
        state.waiting.append(job)
        return true
      }
      state.isRunning = true
      return nil
    }
    if let decision { return decision }
    if pool.submit({ self.run(job) }) { return true }
    // Refused; what came to wait behind this one meanwhile was accepted and goes on.
    runNext()
    return false
  }

  private func run(_ job: WorkerPool.Job) {
    job()
    runNext()
  }

  private func runNext() {
    let next = state.withLock { state -> WorkerPool.Job? in
      if let next = state.waiting.popFirst() { return next }
      state.isRunning = false
      return nil
    }
    guard let next else { return }
    _ = pool.submit({ self.run(next) }, isContinuation: true)
  }
}
