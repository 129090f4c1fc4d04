internal import Threads

/// Counts refusals, and lets the first few of each window be logged: whoever is refused may come back at
/// once, as often as it likes.
struct RefusalWindow: Sendable {
  private var begin: Int64?
  private var count = 0

  /// Lines in a window, and its length in nanoseconds.
  static let limit = 5
  static let length: Int64 = 10_000_000_000

  /// Counts a refusal.
  ///
  /// - Parameter now: Of a clock that never goes back, in nanoseconds.
  /// - Returns: Whether this refusal is logged, and how many before it were not.
  mutating func count(at now: Int64) -> (isLogged: Bool, unsaid: Int) {
    var unsaid = 0
    if begin.map({ now - $0 >= Self.length }) ?? true {
      unsaid = max(0, count - Self.limit)
      begin = now
      count = 0
    }
    count += 1
    return (count <= Self.limit, unsaid)
  }
}

/// A `RefusalWindow` for all threads.
package final class RefusalCounter: Sendable {
  private let window = Locked(RefusalWindow())

  /// Makes a counter of nothing.
  package init() {}

  /// Counts a refusal that happens now; as `RefusalWindow.count`.
  package func count() -> (isLogged: Bool, unsaid: Int) {
    window.withLock { $0.count(at: MonotonicClock.now) }
  }
}
