import Glibc
import Testing
import Threads

@testable import BridgeTools

@Suite struct CallQueueTests {
  @Test func turnsComeInOrder() {
    let queue = CallQueue(limit: 1, waitingLimit: 10)
    let order = Locked<[Int]>([])
    #expect(queue.enter { order.withLock { $0.append(-1) } } == .now)
    for number in 0..<3 {
      #expect(queue.enter { order.withLock { $0.append(number) } } == .queued)
    }
    #expect(queue.waitingCount == 3)
    for _ in 0..<3 { queue.leave() }
    #expect(order.withLock { $0 } == [0, 1, 2])
    // The last one has its turn still.
    #expect(queue.enter {} == .queued)
    queue.leave()
    queue.leave()
    #expect(queue.enter {} == .now)
  }

  @Test func aFullQueueRefusesWhatIsNew() {
    let queue = CallQueue(limit: 2, waitingLimit: 1)
    #expect(queue.enter {} == .now)
    #expect(queue.enter {} == .now)
    #expect(queue.enter {} == .queued)
    #expect(queue.enter {} == .refused)
    #expect(queue.enter(isContinuation: true) {} == .queued)
  }

  @Test func ownersTakeTurns() {
    let queue = CallQueue(limit: 1, waitingLimit: 100)
    let order = Locked<[String]>([])
    func enter(_ owner: UInt64?, _ name: String) {
      #expect(queue.enter(owner: owner) { order.withLock { $0.append(name) } } == .queued)
    }
    #expect(queue.enter {} == .now)
    for number in 1...3 { enter(1, "a\(number)") }
    enter(2, "b1")
    enter(nil, "-1")
    enter(2, "b2")
    queue.leave()
    enter(3, "c1")
    #expect(queue.waitingCount == 6)
    for _ in 0..<6 { queue.leave() }
    #expect(order.withLock { $0 } == ["a1", "b1", "-1", "a2", "c1", "b2", "a3"])
    #expect(queue.waitingCount == 0)
  }

  @Test func oneOwnerLeavesAnEighthToOthers() {
    let queue = CallQueue(limit: 1, waitingLimit: 16)
    #expect(queue.enter(owner: 1) {} == .now)
    for _ in 0..<14 { #expect(queue.enter(owner: 1) {} == .queued) }
    #expect(queue.enter(owner: 1) {} == .refused)
    #expect(queue.enter(owner: 1, isContinuation: true) {} == .queued)
    #expect(queue.enter(owner: 2) {} == .queued)
    #expect(queue.enter(owner: 3) {} == .refused)
    queue.leave()
    queue.leave()
    // That was one of each.
    #expect(queue.enter(owner: 1) {} == .refused)
    queue.leave()
    #expect(queue.enter(owner: 1) {} == .queued)
  }

  @Test func aTurnPassesOnWhenNobodyWantsIt() {
    let queue = CallQueue(limit: 1, waitingLimit: 10)
    #expect(queue.enter {} == .now)
    let turn = CallTurn(queue)
    #expect(queue.enter { _ = turn.begin() } == .queued)
    #expect(turn.abandon())
    // Ending what had no turn gives none back.
    turn.callEnded()
    turn.functionReturned()
    #expect(queue.enter {} == .queued)
    queue.leave()
    #expect(queue.waitingCount == 0)
    #expect(queue.enter {} == .queued)
  }

  @Test func aTurnEndsWithTheLaterOfTwo() {
    let queue = CallQueue(limit: 1, waitingLimit: 10)
    let turn = CallTurn(queue)
    #expect(queue.enter {} == .now)
    #expect(turn.begin())
    #expect(!turn.abandon())
    turn.callEnded()
    #expect(queue.enter {} == .queued)
    turn.functionReturned()
    #expect(queue.waitingCount == 0)
  }

  // MARK: Threads

  /// A turn that nothing could run in would keep others waiting.
  @Test func whoHasNoThreadLeftLetsOthersGoBefore() {
    let pool = WorkerPool("test", threads: 8, queueLimit: 100)
    let gate = Semaphore()
    for _ in 0..<pool.ownerLimit {
      let isAccepted = pool.submit({ gate.wait() }, owner: 1)
      #expect(isAccepted)
    }
    let queue = CallQueue(limit: 1, waitingLimit: 10, pool: pool)
    let order = Locked<[Int]>([])
    func enter(_ owner: UInt64?) -> CallQueue.Entry {
      queue.enter(owner: owner, needsThread: true) {
        order.withLock { $0.append(owner.map(Int.init) ?? 0) }
        pool.giveBack(owner)
        queue.leave()
      }
    }
    #expect(enter(1) == .queued)
    #expect(enter(2) == .now)
    pool.giveBack(2)
    #expect(enter(1) == .queued && enter(3) == .queued && enter(nil) == .queued)
    queue.leave()
    #expect(order.withLock { $0 } == [3, 0])
    // One that has a thread of its own needs none.
    #expect(queue.enter(owner: 1) {} == .now)
    queue.leave()
    #expect(order.withLock { $0 } == [3, 0] && queue.waitingCount == 2)
    // A thread is free again.
    gate.signal()
    while queue.waitingCount > 0 { usleep(100) }
    while order.withLock({ $0.count }) < 4 { usleep(100) }
    #expect(order.withLock { $0 } == [3, 0, 1, 1])
    for _ in 1..<pool.ownerLimit { gate.signal() }
    pool.stop()
  }

  // MARK: Deadlines

  private static let second: Int64 = 1_000_000_000

  /// A queue whose last turns took so many seconds each, and whose only place is taken.
  private func queue(limit: Int = 1, seconds: [Int64] = Array(repeating: 1, count: 16)) -> CallQueue
  {
    let queue = CallQueue(limit: limit, waitingLimit: 5000)
    for time in seconds {
      #expect(queue.enter {} == .now)
      queue.leave(after: time * Self.second)
    }
    for _ in 0..<limit { #expect(queue.enter {} == .now) }
    return queue
  }

  private func deadline(in seconds: Double) -> Int64 {
    MonotonicClock.now + Int64(seconds * Double(Self.second))
  }

  @Test func aTurnThatWouldComeAfterTheDeadlineIsRefusedAtOnce() {
    let queue = queue()
    for _ in 0..<100 { #expect(queue.enter(owner: 1) {} == .queued) }
    // Each takes a second at least: of a hundred, 50 are through then at most.
    #expect(queue.enter(owner: 1, deadline: deadline(in: 50)) {} == .hopeless)
    #expect(queue.enter(owner: 1, deadline: deadline(in: 1000)) {} == .queued)
    #expect(queue.enter(owner: 1) {} == .queued)
    // Others take turns with them, and what somebody waits for goes on.
    #expect(queue.enter(owner: 2, deadline: deadline(in: 50)) {} == .queued)
    #expect(queue.enter(owner: 1, isContinuation: true, deadline: deadline(in: 50)) {} == .queued)
    #expect(queue.waitingCount == 104)
  }

  @Test func whatIsNotSureIsLeftToItsDeadline() {
    // Too few turns, or one that was quick.
    for seconds in [[], Array(repeating: 1, count: 15), [0] + Array(repeating: 1, count: 15)] {
      let queue = queue(seconds: seconds.map { Int64($0) })
      for _ in 0..<100 { #expect(queue.enter(owner: 1) {} == .queued) }
      #expect(queue.enter(owner: 1, deadline: deadline(in: 50)) {} == .queued)
    }
    // Only the last ones count.
    let queue = queue(seconds: [0] + Array(repeating: 1, count: 16))
    for _ in 0..<100 { #expect(queue.enter(owner: 1) {} == .queued) }
    #expect(queue.enter(owner: 1, deadline: deadline(in: 50)) {} == .hopeless)
  }

  @Test func turnsAtOnceCountTogether() {
    let queue = queue(limit: 4)
    for _ in 0..<100 { #expect(queue.enter(owner: 1) {} == .queued) }
    // A hundred take 25 seconds.
    #expect(queue.enter(owner: 1, deadline: deadline(in: 40)) {} == .queued)
    #expect(queue.enter(owner: 1, deadline: deadline(in: 10)) {} == .hopeless)
  }

  @Test func callsThatWillBeOverDoNotCount() {
    let queue = queue()
    // Their own deadlines pass while they wait.
    for _ in 0..<100 { #expect(queue.enter(owner: 1, deadline: deadline(in: 200)) {} == .queued) }
    let ended = self.queue()
    for _ in 0..<100 {
      let turn = CallTurn(ended)
      #expect(ended.enter(owner: 1, turn: turn) {} == .queued)
      turn.callEnded()
    }
    #expect(ended.enter(owner: 1, deadline: deadline(in: 50)) {} == .queued)
    let late = self.queue(seconds: Array(repeating: 10, count: 16))
    for _ in 0..<100 {
      // Of these, two have begun at most when the third is too late.
      #expect(late.enter(owner: 1, deadline: MonotonicClock.now + 15 * Self.second) {} != .now)
    }
    #expect(late.enter(owner: 1, deadline: deadline(in: 50)) {} == .queued)
    #expect(queue.enter(owner: 1, deadline: deadline(in: 50)) {} == .hopeless)
  }

  @Test func moreThanIsLookedAtIsNotSure() {
    let queue = queue()
    for _ in 0..<1200 { #expect(queue.enter(owner: 1) {} == .queued) }
    #expect(queue.enter(owner: 1, deadline: deadline(in: 1100)) {} == .queued)
    #expect(queue.enter(owner: 1, deadline: deadline(in: 1000)) {} == .hopeless)
  }

  @Test func aTurnTellsHowLongItTook() {
    let queue = CallQueue(limit: 1, waitingLimit: 100)
    for _ in 0..<16 {
      let turn = CallTurn(queue)
      #expect(queue.enter(turn: turn) {} == .now)
      #expect(turn.begin())
      usleep(2000)
      turn.functionReturned()
      turn.callEnded()
    }
    #expect(queue.enter {} == .now)
    for _ in 0..<50 { #expect(queue.enter {} == .queued) }
    // 50 turns of two milliseconds each, whatever else the machine does.
    #expect(queue.enter(deadline: MonotonicClock.now + 50_000_000) {} == .hopeless)
  }
}
