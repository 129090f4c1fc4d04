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
}
