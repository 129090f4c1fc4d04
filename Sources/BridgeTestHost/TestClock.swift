internal import Threads

/// A clock that moves when a test says so, or when a tool sleeps.
///
/// With one, a tool that sleeps an hour takes no time, and a deadline passes exactly where it should.
/// Thread-safe.
public final class TestClock: Sendable {
  /// Whether `sleep` of a tool moves the clock and returns; else it waits for `advance`.
  public let movesBySleeping: Bool

  private let condition = Condition()
  private let state = Locked(State())

  private struct State {
    var now: Int64 = 0
    var moved: [Int: @Sendable (Int64) -> Void] = [:]
    var last = 0
    var sleepers = 0
  }

  /// A clock at 0.
  public init(movesBySleeping: Bool = true) { self.movesBySleeping = movesBySleeping }

  /// Nanoseconds since the clock was made.
  public var now: Int64 { state.withLock { $0.now } }

  /// Moves it on.
  ///
  /// - Parameter nanoseconds: Not less than 0.
  public func advance(nanoseconds: Int64) {
    precondition(nanoseconds >= 0, "a clock does not go back")
    move { $0 + min(nanoseconds, .max - $0) }
  }

  /// Moves it on.
  public func advance(by duration: Duration) {
    let (seconds, attoseconds) = duration.components
    advance(nanoseconds: seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  /// Waits, in real time, until so many tools sleep by this clock: moved before, it would not wake them.
  public func waitForSleepers(_ count: Int = 1) {
    condition.withLock {
      while state.withLock({ $0.sleepers < count }) { condition.wait() }
    }
  }

  /// Moves it on to a moment, if it is not there yet.
  func advance(to moment: Int64) { move { max($0, moment) } }

  private func move(_ next: (Int64) -> Int64) {
    let (now, moved) = state.withLock { state in
      state.now = next(state.now)
      return (state.now, Array(state.moved.values))
    }
    for moved in moved { moved(now) }
    condition.withLock { condition.broadcast() }
  }

  /// Calls `body` with the time after each move, until it is taken back.
  func whenMoved(_ body: @escaping @Sendable (Int64) -> Void) -> Int {
    state.withLock { state in
      state.last += 1
      state.moved[state.last] = body
      return state.last
    }
  }

  func forget(_ number: Int) { state.withLock { $0.moved[number] = nil } }

  /// Waits until a moment, or until something else says that it is enough.
  func wait(until moment: Int64, unless isEnough: () -> Bool) {
    condition.withLock {
      state.withLock { $0.sleepers += 1 }
      condition.broadcast()
      while now < moment, !isEnough() {
        // Looks again now and then: what ends a call does not know this clock.
        _ = condition.wait(until: MonotonicClock.now + 2_000_000)
      }
      state.withLock { $0.sleepers -= 1 }
    }
  }
}
