import Glibc
import Synchronization
import Testing
import Threads

@testable import BridgeTools

@Suite struct WorkerPoolTests {
  @Test func everyJobRunsOnce() {
    let pool = WorkerPool("test", threads: 4, queueLimit: .max / 2)
    let condition = Condition()
    let count = Atomic<Int>(0)
    for _ in 0..<5000 {
      #expect(
        pool.submit {
          if count.add(1, ordering: .sequentiallyConsistent).newValue == 5000 {
            condition.withLock { condition.broadcast() }
          }
        })
    }
    condition.withLock {
      while count.load(ordering: .sequentiallyConsistent) < 5000 { condition.wait() }
    }
    pool.stop()
    #expect(!pool.submit {})
  }

  /// Blocked jobs do not keep the next from starting, however few cores there are.
  @Test func blockedJobsKeepNobodyWaiting() {
    let pool = WorkerPool("test", threads: 40, queueLimit: 100)
    let condition = Condition()
    let inside = Atomic<Int>(0)
    for _ in 0..<40 {
      #expect(
        pool.submit {
          condition.withLock {
            if inside.add(1, ordering: .sequentiallyConsistent).newValue == 40 {
              condition.broadcast()
            }
            while inside.load(ordering: .sequentiallyConsistent) < 40 { condition.wait() }
          }
        })
    }
    condition.withLock {
      while inside.load(ordering: .sequentiallyConsistent) < 40 { condition.wait() }
    }
    pool.stop()
  }

  @Test func aFullQueueRefuses() {
    let pool = WorkerPool("test", threads: 1, queueLimit: 2)
    let condition = Condition()
    let open = Atomic<Bool>(false)
    let job: WorkerPool.Job = {
      condition.withLock {
        while !open.load(ordering: .sequentiallyConsistent) { condition.wait() }
      }
    }
    #expect(pool.submit(job))
    var accepted = 0
    while pool.submit(job) { accepted += 1 }
    #expect((1...2).contains(accepted))
    condition.withLock {
      open.store(true, ordering: .sequentiallyConsistent)
      condition.broadcast()
    }
    pool.stop()
  }

  /// Of eight threads one stays free for others, and what waits runs when there is room.
  @Test func oneOwnerLeavesThreadsToOthers() {
    let pool = WorkerPool("test", threads: 8, queueLimit: 16)
    #expect(pool.ownerLimit == 7)
    let gate = Gate()
    let done = Condition()
    let count = Atomic<Int>(0)
    let finish: WorkerPool.Job = {
      done.withLock {
        count.add(1, ordering: .sequentiallyConsistent)
        done.broadcast()
      }
    }
    func wait(for number: Int) {
      done.withLock {
        while count.load(ordering: .sequentiallyConsistent) < number { done.wait() }
      }
    }
    let running = Condition()
    let runningCount = Atomic<Int>(0)
    var blocked = 0
    while pool.submit(
      {
        running.withLock {
          runningCount.add(1, ordering: .sequentiallyConsistent)
          running.broadcast()
        }
        gate.wait()
        finish()
      }, owner: 1)
    { blocked += 1 }
    // Seven run, and seven eighths of those that may wait do.
    #expect(blocked == 7 + 14)
    // Until their threads have begun, the seven wait as well.
    running.withLock {
      while runningCount.load(ordering: .sequentiallyConsistent) < 7 { running.wait() }
    }
    // They count among those that may wait: there is a thread and room for two more.
    let others = Gate()
    var beside = 0
    while pool.submit({ others.wait() }, owner: 3) { beside += 1 }
    #expect((1...3).contains(beside))
    others.open()
    // Until one of those has run, there may be room for nothing more.
    while !pool.submit(finish, owner: 2) { usleep(100) }
    wait(for: 1)
    var accepted = pool.submit(finish)
    #expect(accepted)
    wait(for: 2)
    // What was accepted before goes on, but not on the last threads.
    accepted = pool.submit(
      {
        gate.wait()
        finish()
      }, owner: 1, isContinuation: true)
    #expect(accepted)
    accepted = pool.submit(finish, owner: 2)
    #expect(accepted)
    wait(for: 3)
    gate.open()
    wait(for: blocked + 4)
    // The share is free again.
    for _ in 0..<7 {
      accepted = pool.submit(finish, owner: 1)
      #expect(accepted)
    }
    wait(for: blocked + 11)
    pool.stop()
  }

  /// The jobs of an owner that wait run in their order, also while the pool stops.
  @Test func whatWaitsForItsOwnerRunsInOrder() {
    let pool = WorkerPool("test", threads: 1, queueLimit: 100)
    let gate = Gate()
    let done = Condition()
    let order = Locked<[Int]>([])
    var accepted = pool.submit({ gate.wait() }, owner: 1)
    #expect(accepted)
    for number in 0..<20 {
      accepted = pool.submit(
        {
          order.withLock { $0.append(number) }
          done.withLock { done.broadcast() }
        }, owner: 1)
      #expect(accepted)
    }
    pool.stop()
    gate.open()
    done.withLock { while order.withLock({ $0.count }) < 20 { done.wait() } }
    #expect(order.withLock { $0 } == Array(0..<20))
  }

  /// A kind of job of which enough were short.
  private static func shortPace() -> JobPace {
    let pace = JobPace()
    for _ in 0..<8 {
      #expect(!pace.isShort)
      pace.note(JobPace.short)
    }
    #expect(pace.isShort)
    return pace
  }

  @Test func aJobThatWasNotShortIsLongRemembered() {
    let pace = Self.shortPace()
    pace.note(JobPace.short + 1)
    for _ in 0..<72 {
      #expect(!pace.isShort)
      pace.note(0)
    }
    #expect(pace.isShort)
  }

  /// What an event loop would do.
  private final class Turn: TurnTaker {
    private let ends = Locked<[@Sendable () -> Void]>([])
    var id: ObjectIdentifier { ObjectIdentifier(self) }

    func atEndOfTurn(_ body: @escaping @Sendable () -> Void) { ends.withLock { $0.append(body) } }

    /// - Returns: How many asked for it.
    func end() -> Int {
      let bodies = ends.withLock { bodies in
        defer { bodies = [] }
        return bodies
      }
      for body in bodies { body() }
      return bodies.count
    }
  }

  @Test func shortJobsOfOneTurnAreBegunTogether() {
    let pool = WorkerPool("test", threads: 4, queueLimit: 1000)
    let pace = Self.shortPace()
    let turns = [Turn(), Turn()]
    let done = Condition()
    let count = Locked(0)
    for round in 1...20 {
      for _ in 0..<10 {
        for turn in turns {
          let isAccepted = pool.submit(
            {
              done.withLock {
                count.withLock { $0 += 1 }
                done.broadcast()
              }
            }, pace: pace, turn: turn)
          #expect(isAccepted)
        }
      }
      for turn in turns { #expect(turn.end() <= 1) }
      done.withLock { while count.withLock({ $0 }) < 20 * round { done.wait() } }
    }
    pool.stop()
  }

  /// The first of two that were to be short waits for the second.
  @Test(arguments: [false, true]) func aJobThatWasToBeShortKeepsNobodyWaiting(inTurn: Bool) {
    let pool = WorkerPool("test", threads: 4, queueLimit: 100)
    let pace = Self.shortPace()
    let turn = Turn()
    let (gate, begun, end) = (Gate(), Gate(), Gate())
    var accepted = pool.submit(
      {
        begun.open()
        gate.wait()
        end.open()
      }, pace: pace)
    begun.wait()
    accepted = accepted && pool.submit({ gate.open() }, pace: pace, turn: inTurn ? turn : nil)
    #expect(accepted)
    _ = turn.end()
    end.wait()
    pool.stop()
  }

  /// Opens a gate when it is woken.
  private final class Waker: Sleeper {
    let gate = Gate()
    func wake() { gate.open() }

    /// As those do who may put it off. A busy machine may have kept this thread until they may not.
    func wakeLater() { if PutOffWakes.current?.add(self) != true { wake() } }
  }

  @Test func whatShortJobsWakeIsWokenWhenThereIsNoMoreToDo() {
    let pool = WorkerPool("test", threads: 4, queueLimit: 100)
    let pace = Self.shortPace()
    let waker = Waker()
    let isAccepted = pool.submit({ waker.wakeLater() }, pace: pace)
    #expect(isAccepted)
    waker.gate.wait()
    pool.stop()
  }

  /// Whatever a job has woken, it may wait for: though it was to be short.
  @Test func whatIsPutOffIsWokenThoughTheJobGoesOn() {
    let pool = WorkerPool("test", threads: 4, queueLimit: 100)
    let pace = Self.shortPace()
    let (first, second, end) = (Waker(), Waker(), Gate())
    let wakesAtOnce = Locked(false)
    let isAccepted = pool.submit(
      {
        first.wakeLater()
        first.gate.wait()
        // From now on it is not taken for short.
        wakesAtOnce.withLock { $0 = PutOffWakes.current?.add(second) == false }
        end.open()
      }, pace: pace)
    #expect(isAccepted)
    end.wait()
    #expect(wakesAtOnce.withLock { $0 })
    pool.stop()
  }

  /// Its thread never comes back, and what it has put off is woken all the same.
  @Test func whatALostThreadHasPutOffIsWoken() {
    let pool = WorkerPool("test", threads: 1, queueLimit: 100)
    let waker = Waker()
    let isAccepted = pool.submit(
      {
        waker.wakeLater()
        pool.loseThread()
        Gate().wait()
      }, pace: Self.shortPace())
    #expect(isAccepted)
    waker.gate.wait()
    pool.stop()
  }

  @Test func noThreadOfToolsTakesWorkAfterTheEnd() {
    let threads = ToolThreads()
    #expect(threads.pool.submit {} && threads.callbacks.submit {})
    threads.stop()
    #expect(!threads.pool.submit {} && !threads.callbacks.submit {})
  }

  /// In a process of its own: other pools have threads of the same name.
  @Test func whatLooksForBlockedJobsEndsWhenThereAreNone() async {
    await #expect(processExitsWith: .success) {
      func hasTicker() -> Bool {
        guard let directory = opendir("/proc/self/task") else { return true }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
          let name = withUnsafeBytes(of: entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
          }
          guard let file = fopen("/proc/self/task/\(name)/comm", "r") else { continue }
          defer { fclose(file) }
          var line = [CChar](repeating: 0, count: 32)
          guard fgets(&line, 32, file) != nil else { continue }
          if strcmp(line, "pool-ticker\n") == 0 { return true }
        }
        return false
      }
      let pool = WorkerPool("test", threads: 2, queueLimit: 100)
      let gate = Gate()
      for _ in 0..<2 {
        let ended = Gate()
        precondition(
          pool.submit {
            gate.wait()
            ended.open()
          })
        while !hasTicker() { usleep(1000) }
        gate.open()
        ended.wait()
        while hasTicker() { usleep(1000) }
      }
    }
  }
}
