import Synchronization
import Testing
import Threads

@Suite struct ThreadsTests {
  @Test func aConditionWakesWhoWaits() {
    let condition = Condition()
    let state = Locked((isReady: false, isSeen: false))
    #expect(
      startThread(named: "test") {
        condition.withLock {
          while !state.withLock({ $0.isReady }) { condition.wait() }
          state.withLock { $0.isSeen = true }
          condition.broadcast()
        }
      })
    condition.withLock {
      state.withLock { $0.isReady = true }
      condition.broadcast()
      while !state.withLock({ $0.isSeen }) { condition.wait() }
    }
    #expect(state.withLock { $0.isSeen })
  }

  @Test func aWaitWithALimitEnds() {
    let condition = Condition()
    let isWoken = condition.withLock { condition.wait(until: MonotonicClock.now + 1_000_000) }
    // Wakes may be spurious, so only that it comes back is sure; a moment that is over never waits.
    _ = isWoken
    #expect(!condition.withLock { condition.wait(until: 0) })
  }

  @Test func theLockLetsOneThreadInAtATime() {
    let threads = 4
    let rounds = 10_000
    let condition = Condition()
    nonisolated(unsafe) var count = 0
    let running = Locked(threads)
    for _ in 0..<threads {
      #expect(
        startThread(named: "test") {
          for _ in 0..<rounds { condition.withLock { count += 1 } }
          condition.withLock {
            running.withLock { $0 -= 1 }
            condition.signal()
          }
        })
    }
    condition.withLock {
      while running.withLock({ $0 }) > 0 { condition.wait() }
    }
    #expect(condition.withLock { count } == threads * rounds)
  }

  @Test func theClockNeverGoesBack() {
    var last = MonotonicClock.now
    for _ in 0..<1000 {
      let now = MonotonicClock.now
      #expect(now >= last)
      last = now
    }
  }

  @Test func whatIsLockedIsChangedInPlace() {
    let list = Locked([1])
    let count = list.withLock { list in
      list.append(2)
      return list.count
    }
    #expect(count == 2)
    #expect(list.withLock { $0 } == [1, 2])
  }
}
