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

  @Test func aSemaphoreLetsOneGoOnForEachSignal() {
    let semaphore = Semaphore()
    let back = Semaphore()
    semaphore.signal()
    semaphore.wait()
    #expect(
      startThread(named: "test") {
        for _ in 0..<100 {
          semaphore.wait()
          back.signal()
        }
      })
    for _ in 0..<100 {
      semaphore.signal()
      back.wait()
    }
  }

  private final class Counter: Sleeper {
    let count = Locked(0)
    func wake() { count.withLock { $0 += 1 } }
  }

  @Test func wakesArePutOffWhileTheyAreOpen() {
    let wakes = PutOffWakes()
    let (one, other) = (Counter(), Counter())
    #expect(PutOffWakes.current == nil)
    wakes.asCurrent {
      #expect(PutOffWakes.current === wakes)
      #expect(!wakes.add(one))
      wakes.open()
      #expect(wakes.add(one) && wakes.add(one) && wakes.add(other))
      #expect(one.count.withLock { $0 } == 0)
      wakes.flush()
      #expect(one.count.withLock { $0 } == 1)
      #expect(!wakes.add(one))
      wakes.open()
      wakes.flush()
      #expect(!wakes.add(one))
      wakes.open()
      #expect(wakes.add(other))
    }
    #expect(PutOffWakes.current == nil)
    #expect(other.count.withLock { $0 } == 2)
  }

  /// A thread that waits takes no time; nor does one that nobody lets run, which no test can bring about.
  @Test func whatAThreadTakesIsTold() {
    let start = ThreadUse.now
    #expect(!start.tookTime(since: start, beyond: 0))
    usleep(1000)
    #expect(ThreadUse.now.tookTime(since: start, beyond: .max))
    let begun = ThreadUse.now
    while !ThreadUse.now.tookTime(since: begun, beyond: 1_000_000) {}
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

  /// It is woken again and again, so that a wake that comes before the wait does not matter.
  @Test func aWaitThatIsWokenInTimeSaysSo() {
    let condition = Condition()
    let isOver = Locked(false)
    #expect(
      startThread(named: "test") {
        while !isOver.withLock({ $0 }) {
          condition.withLock { condition.broadcast() }
          usleep(100)
        }
      })
    let moment = MonotonicClock.now + 60_000_000_000
    #expect(condition.withLock { condition.wait(until: moment) })
    #expect(MonotonicClock.now < moment)
    isOver.withLock { $0 = true }
  }

  /// What somebody else has left in memory means nothing.
  @Test func memoryThatWasUsedBeforeIsAsGood() {
    for _ in 0..<20 {
      for size in [32, 40, 48] {
        let used = (0..<8).map { _ in
          UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        }
        for memory in used {
          memory.initializeMemory(as: UInt8.self, repeating: 0xFF, count: size)
          memory.deallocate()
        }
      }
      let condition = Condition()
      let state = Locked((inside: false, overlaps: 0, running: 2))
      for _ in 0..<2 {
        #expect(
          startThread(named: "test") {
            for _ in 0..<20 {
              condition.withLock {
                state.withLock {
                  if $0.inside { $0.overlaps += 1 }
                  $0.inside = true
                }
                usleep(20)
                state.withLock { $0.inside = false }
              }
            }
            condition.withLock {
              state.withLock { $0.running -= 1 }
              condition.signal()
            }
          })
      }
      condition.withLock {
        while state.withLock({ $0.running }) > 0 { condition.wait() }
      }
      #expect(state.withLock { $0.overlaps } == 0)
    }
  }

  private final class Kept: Sendable {}

  @Test func whatAThreadUsesIsLetGoOfWhenItEnds() {
    var kept: Kept? = Kept()
    weak let observed = kept
    let isStarted = startThread(named: "test") { [kept] in withExtendedLifetime(kept) {} }
    kept = nil
    #expect(isStarted)
    while observed != nil { usleep(1000) }
  }

  /// In a process of its own: the limit is that of its user.
  @Test func whereNoThreadCanBeStartedItIsSaidAndNothingIsKept() async {
    await #expect(processExitsWith: .success) {
      // Root has no limit.
      if geteuid() == 0 { precondition(setuid(65_534) == 0) }
      var limit = rlimit(rlim_cur: 0, rlim_max: 0)
      precondition(setrlimit(__rlimit_resource_t(__RLIMIT_NPROC.rawValue), &limit) == 0)
      var kept: Kept? = Kept()
      weak let observed = kept
      let isStarted = startThread(named: "test") { [kept] in withExtendedLifetime(kept) {} }
      kept = nil
      precondition(!isStarted)
      precondition(observed == nil)
    }
  }

  /// In a process of its own, where nobody else takes memory and opens files.
  @Test(.disabled(if: isSanitized, "a sanitizer keeps memory for itself"))
  func nothingIsLeftOfThreadsAndConditions() async {
    await #expect(processExitsWith: .success) {
      func pages() -> (mapped: Int, resident: Int) {
        let file = fopen("/proc/self/statm", "r")!
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 200)
        precondition(fgets(&line, 200, file) != nil)
        let numbers = String(decoding: line.map { UInt8(bitPattern: $0) }, as: UTF8.self)
          .split(separator: " ")
        return (Int(numbers[0])!, Int(numbers[1])!)
      }
      // The lowest one that is free.
      func descriptor() -> CInt {
        let number = open("/dev/null", O_RDONLY)
        close(number)
        return number
      }
      func runThreads(_ count: Int) {
        let condition = Condition()
        for _ in 0..<count {
          let isDone = Locked(false)
          precondition(
            startThread(named: "test") {
              condition.withLock {
                isDone.withLock { $0 = true }
                condition.signal()
              }
            })
          condition.withLock { while !isDone.withLock({ $0 }) { condition.wait() } }
        }
      }
      func makeConditions(_ count: Int) {
        for _ in 0..<count { Condition().withLock {} }
      }
      runThreads(20)
      makeConditions(1000)
      let before = pages()
      let free = descriptor()
      runThreads(400)
      precondition(descriptor() == free, "files stay open")
      // A thread has a stack of 8 MiB: some are kept for the next.
      precondition(pages().mapped < before.mapped + 400 * 1024, "stacks stay")
      makeConditions(200_000)
      precondition(pages().resident < before.resident + 1024, "memory stays")
    }
  }
}

/// Whether this is a build under a sanitizer of addresses or threads.
private let isSanitized = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
