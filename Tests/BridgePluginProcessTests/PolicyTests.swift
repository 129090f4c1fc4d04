import Testing
import Threads

@testable import BridgePluginProcess

@Suite struct PolicyTests {
  private let second: Int64 = 1_000_000_000

  @Test func crashesInARowWaitLongerAndThenEnd() {
    var policy = RestartPolicy()
    let decisions = (0..<6).map { policy.crashed(at: Int64($0) * second) }
    #expect(
      decisions == [
        .restart(after: 0), .restart(after: 100_000_000), .restart(after: 200_000_000),
        .restart(after: 400_000_000), .restart(after: 800_000_000), .quarantine,
      ])
  }

  @Test func endsThatOthersBringAboutAreNoCrashes() {
    var policy = RestartPolicy()
    let decisions = (0..<20).map { policy.killed(at: Int64($0) * second / 2) }
    #expect(
      decisions == [.restart(after: 0)]
        + [RestartPolicy.Decision](repeating: .restart(after: 100_000_000), count: 19))
    #expect(policy.killed(at: 20 * second) == .restart(after: 0))
    #expect(policy.crashes == 0)
    #expect(policy.crashed(at: 21 * second) == .restart(after: 0))
  }

  @Test func aQuietTimeForgives() {
    var policy = RestartPolicy()
    for number in 0..<5 { _ = policy.crashed(at: Int64(number) * second) }
    #expect(policy.crashed(at: 4 * second + RestartPolicy.quietTime) == .restart(after: 0))
    #expect(policy.crashes == 1)
  }
}

@Suite struct FairQueueTests {
  @Test func ownersTakeTurns() {
    var queue = FairQueue<String>(places: 16)
    for number in 0..<5 { queue.append("a\(number)", of: 1) }
    queue.append("b0", of: 2)
    queue.append("c0", of: nil)
    let order = (0..<7).map { _ in queue.popFirst() }
    #expect(order == ["a0", "b0", "c0", "a1", "a2", "a3", "a4"])
    #expect({ queue.popFirst() }() == nil && queue.count == 0 && queue.takenCount == 7)
  }

  @Test func anOwnerLeavesAnEighthToOthers() {
    var queue = FairQueue<Int>(places: 16)
    for _ in 0..<14 { #expect({ queue.take(1, isUrgent: false) }() == true) }
    #expect({ queue.take(1, isUrgent: false) }() == false)
    #expect({ queue.take(1, isUrgent: true) }() == true)
    queue.append(1, of: 1)
    #expect({ queue.popFirst() }() == nil)
    #expect({ queue.take(2, isUrgent: false) }() == true)
    #expect({ queue.take(3, isUrgent: false) }() == false)
    queue.leave(1)
    queue.leave(1)
    #expect({ queue.popFirst() }() == 1)
    #expect(queue.count(of: 1) == 0)
  }

  @Test func whoeverComesLaterWaitsBehindItsOwn() {
    var queue = FairQueue<Int>(places: 1)
    #expect({ queue.take(1, isUrgent: false) }() == true)
    queue.append(1, of: 1)
    queue.leave(1)
    #expect({ queue.take(1, isUrgent: false) }() == false)
    #expect({ queue.take(2, isUrgent: false) }() == true)
    #expect({ queue.removeAll() }() == [1])
  }

  @Test func aPlaceThatWouldComeAfterTheDeadlineIsHopeless() {
    let second: Int64 = 1_000_000_000
    var queue = FairQueue<Int>(places: 1)
    func isHopeless(_ seconds: Int64, of owner: UInt64? = 1, isWanted: Bool = true) -> Bool {
      queue.isHopeless(MonotonicClock.now + seconds * second, of: owner) { _ in (isWanted, nil) }
    }
    for number in 0..<100 { queue.append(number, of: 1) }
    #expect(!isHopeless(50))
    for _ in 0..<16 {
      _ = queue.take(2, isUrgent: true)
      queue.leave(2, after: second)
    }
    // Each of a hundred takes a second at least.
    #expect(isHopeless(50) && !isHopeless(200))
    #expect(!isHopeless(50, of: 2) && !isHopeless(50, isWanted: false))
    // What nothing has used tells nothing.
    _ = queue.take(2, isUrgent: true)
    queue.leave(2)
    #expect(isHopeless(50))
  }
}
