import Glibc
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

  @Test func theClockIsThatOfTheSystem() {
    func system() -> Int64 {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
    let before = system()
    let now = MonotonicClock.now
    #expect(before <= now && now <= system())
  }

  /// Moments on both sides of a whole second are among them.
  @Test func aWaitIsNotOverBeforeItsMoment() {
    let condition = Condition()
    for milliseconds: Int64 in stride(from: 1, to: 60, by: 7) {
      let moment = MonotonicClock.now + milliseconds * 1_000_000
      condition.withLock { while condition.wait(until: moment) {} }
      #expect(MonotonicClock.now >= moment)
    }
  }

  @Test func aThreadHasItsName() {
    let condition = Condition()
    let name = Locked<String?>(nil)
    #expect(
      startThread(named: "a-name") {
        var bytes = [UInt8](repeating: 0, count: 32)
        let file = open("/proc/thread-self/comm", O_RDONLY)
        let count = read(file, &bytes, bytes.count)
        close(file)
        condition.withLock {
          name.withLock { $0 = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) }
          condition.signal()
        }
      })
    condition.withLock { while name.withLock({ $0 == nil }) { condition.wait() } }
    #expect(name.withLock { $0 } == "a-name\n")
  }

  /// Each waits inside, so that others come meanwhile if they can.
  @Test func nobodyComesInBesideWhoHoldsTheLock() {
    let threads = 4
    let condition = Condition()
    let running = Locked(threads)
    let state = Locked((inside: 0, overlaps: 0))
    for _ in 0..<threads {
      #expect(
        startThread(named: "test") {
          for _ in 0..<50 {
            condition.withLock {
              state.withLock {
                $0.inside += 1
                if $0.inside > 1 { $0.overlaps += 1 }
              }
              usleep(100)
              state.withLock { $0.inside -= 1 }
            }
          }
          condition.withLock {
            running.withLock { $0 -= 1 }
            condition.signal()
          }
        })
    }
    condition.withLock {
      while running.withLock({ $0 }) > 0 { condition.wait() }
    }
    #expect(state.withLock { $0.overlaps } == 0)
  }
}
