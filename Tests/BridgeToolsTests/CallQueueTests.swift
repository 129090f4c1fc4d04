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
