import Testing
import Threads

@testable import BridgeTools

@Suite struct DeadlineTimerTests {
  private final class Events: Sendable {
    private let condition = Condition()
    private let names = Locked<[String]>([])
    private let moments = Locked<[Int64]>([])

    func note(_ name: String) {
      condition.withLock {
        names.withLock { $0.append(name) }
        moments.withLock { $0.append(MonotonicClock.now) }
        condition.broadcast()
      }
    }

    /// What happened, once there were so many.
    func wait(for count: Int) -> (names: [String], moments: [Int64]) {
      condition.withLock {
        while names.withLock({ $0.count }) < count { condition.wait() }
        return (names.withLock { $0 }, moments.withLock { $0 })
      }
    }
  }

  /// In order of their moments; those of one moment in the order in which they were added.
  @Test func whatIsDueHappensInOrder() {
    let timer = DeadlineTimer()
    let events = Events()
    let start = MonotonicClock.now + 300_000_000
    let order = [5, 1, 4, 1, 3, 2, 5, 0, 4]
    for (index, place) in order.enumerated() {
      timer.add(start + Int64(place) * 1_000_000) { events.note("\(place).\(index)") }
    }
    let (names, moments) = events.wait(for: order.count)
    #expect(names == ["0.7", "1.1", "1.3", "2.5", "3.4", "4.2", "4.8", "5.0", "5.6"])
    for (name, moment) in zip(names, moments) {
      #expect(moment >= start + Int64(name.prefix(1))! * 1_000_000)
    }
  }

  /// Also when its thread waits for a later one, and when it has ended.
  @Test func anEarlierMomentIsNotWaitedForBehindALaterOne() {
    let timer = DeadlineTimer()
    let events = Events()
    for round in 0..<3 {
      timer.add(MonotonicClock.now + 3_600_000_000_000) { events.note("late") }
      timer.add(MonotonicClock.now + 1_000_000) { events.note("early") }
      #expect(events.wait(for: round + 1).names == Array(repeating: "early", count: round + 1))
    }
    timer.stop()
    // What is over happens at once, on a thread made anew.
    let other = DeadlineTimer()
    for round in 0..<3 {
      other.add(0) { events.note("over") }
      #expect(events.wait(for: 4 + round).names.last == "over")
    }
  }

  @Test func afterTheEndNothingHappens() {
    let timer = DeadlineTimer()
    let events = Events()
    let moment = MonotonicClock.now + 50_000_000
    timer.add(moment) { events.note("dropped") }
    timer.stop()
    timer.add(0) { events.note("refused") }
    let other = DeadlineTimer()
    other.add(moment + 50_000_000) { events.note("other") }
    #expect(events.wait(for: 1).names == ["other"])
  }
}
