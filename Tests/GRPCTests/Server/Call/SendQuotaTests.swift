import Synchronization
import Testing
import Threads

@testable import GRPC

@Suite struct SendQuotaTests {
  private static let limit = SendQuota.limit

  /// What cannot be copied cannot be looked at by `#expect`.
  private func expect(
    _ expected: Bool, _ answer: Bool, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(answer == expected, sourceLocation: sourceLocation)
  }

  /// What docs/architecture.md says.
  @Test func theLimitIs256KiB() { #expect(SendQuota.limit == 262_144) }

  @Test func thereIsRoomBelowTheLimit() {
    let quota = SendQuota()
    expect(true, quota.hasRoom(waiting: quota.add(Self.limit - 1)))
    // Nobody waits.
    expect(false, quota.remove(Self.limit - 1))
  }

  @Test func aProducerThatWaitsIsToldOnceAtHalf() {
    let quota = SendQuota()
    expect(false, quota.hasRoom(waiting: quota.add(Self.limit)))
    expect(false, quota.remove(Self.limit / 2))
    expect(true, quota.remove(1))
    expect(false, quota.remove(1))
  }

  /// The bytes were written between `add` and `hasRoom`.
  @Test func nobodyWaitsForWhatHasGone() {
    let quota = SendQuota()
    let waiting = quota.add(Self.limit)
    expect(false, quota.remove(Self.limit))
    expect(true, quota.hasRoom(waiting: waiting))
  }

  @Test func bytesThatBecameFewerMakeRoom() {
    let quota = SendQuota()
    expect(false, quota.hasRoom(waiting: quota.add(Self.limit)))
    quota.shrink(by: Self.limit - 10)
    expect(true, quota.remove(1))
  }

  /// However the two sides meet, a producer that was told to wait is told to go on.
  @Test func noWordIsLost() async {
    let quota = QuotaBox()
    let rounds = 2000
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for round in 0..<rounds {
          let waiting = quota.quota.add(Self.limit)
          quota.written.store(round + 1, ordering: .releasing)
          if !quota.quota.hasRoom(waiting: waiting) {
            while quota.told.load(ordering: .acquiring) <= round { await Task.yield() }
          } else {
            quota.told.store(round + 1, ordering: .releasing)
          }
        }
      }
      group.addTask {
        for round in 0..<rounds {
          while quota.written.load(ordering: .acquiring) <= round { await Task.yield() }
          if quota.quota.remove(Self.limit) { quota.told.store(round + 1, ordering: .releasing) }
          while quota.told.load(ordering: .acquiring) <= round { await Task.yield() }
        }
      }
    }
    #expect(quota.told.load(ordering: .relaxed) == rounds)
  }

  private final class QuotaBox: Sendable {
    let quota = SendQuota()
    let written = Atomic<Int>(0)
    let told = Atomic<Int>(0)
  }
}
