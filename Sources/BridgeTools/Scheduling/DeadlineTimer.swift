internal import Threads

/// Runs something at given moments, on a thread that is there while there is something to wait for.
///
/// For deadlines that no other timer keeps. Thread-safe.
// @unchecked: what is `var` is guarded by the condition's lock.
final class DeadlineTimer: @unchecked Sendable {
  private struct Entry {
    let moment: Int64
    let body: @Sendable () -> Void
  }

  private let condition = Condition()
  /// The first one last.
  private var entries: [Entry] = []
  private var isRunning = false
  private var isStopped = false

  /// - Parameters:
  ///   - moment: Nanoseconds of `MonotonicClock`.
  ///   - body: Must be quick.
  func add(_ moment: Int64, _ body: @escaping @Sendable () -> Void) {
    let mustStart = condition.withLock {
      if isStopped { return false }
      let index = firstIndex(notAfter: moment)
      entries.insert(Entry(moment: moment, body: body), at: index)
      if index == entries.count - 1 { condition.signal() }
      defer { isRunning = true }
      return !isRunning
    }
    if mustStart && !startThread(named: "deadlines", { self.run() }) {
      condition.withLock { isRunning = false }
    }
  }

  /// Where an entry goes: behind those that come later.
  private func firstIndex(notAfter moment: Int64) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].moment > moment { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func run() {
    while let body = next() { body() }
  }

  /// Waits for the next moment; nil when there is nothing more to wait for.
  private func next() -> (@Sendable () -> Void)? {
    condition.withLock {
      while let last = entries.last, !isStopped {
        if MonotonicClock.now >= last.moment { return entries.removeLast().body }
        _ = condition.wait(until: last.moment)
      }
      isRunning = false
      return nil
    }
  }

  /// Drops everything.
  func stop() {
    condition.withLock {
      isStopped = true
      entries = []
      condition.signal()
    }
  }
}
