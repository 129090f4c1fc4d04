import BridgeTestHost
import Glibc
import Testing

/// Time that a test moves.
@Suite struct ClockTests {
  private static let hour: Int64 = 3_600_000_000_000

  @Test func sleepingTakesNoTime() throws {
    let clock = TestClock()
    let host = TestHost(TestHost.Configuration(clock: clock))
    try host.load(Built.rules)
    var options = CallOptions()
    options.deadline = 2 * Self.hour
    let record = try host.call("remaining", options: options)
    #expect(record.value?.number == Double(Self.hour))
    #expect(clock.now == Self.hour)
    #expect(try host.call("remaining").value == 0)
  }

  @Test func aDeadlinePassesWhereItShould() throws {
    let clock = TestClock()
    let host = TestHost(TestHost.Configuration(clock: clock))
    try host.load(Built.exampleTools)
    var options = CallOptions()
    // Between the third and the fourth number.
    options.deadline = 2500 * 1_000_000
    let record = try host.call("countdown", ["from": 10, "interval_ms": 1000], options: options)
    #expect(record.failure?.code == 4)
    #expect(record.chunks == [10, 9, 8])
    #expect(clock.now == 2500 * 1_000_000)
  }

  @Test func aClockThatATestMoves() throws {
    let clock = TestClock(movesBySleeping: false)
    let host = TestHost(TestHost.Configuration(clock: clock))
    try host.load(Built.exampleTools)
    let call = try host.start("countdown", ["from": 3, "interval_ms": 1000])
    clock.waitForSleepers()
    #expect(call.chunks == [3])
    clock.advance(by: .seconds(1))
    while call.chunks.count < 2 { sched_yield() }
    clock.waitForSleepers()
    #expect(call.chunks == [3, 2] && !call.hasEnded)
    clock.advance(by: .milliseconds(1000))
    #expect(try call.wait().value == 3)
    // Cancelling wakes who sleeps.
    let cancelled = try host.start("countdown", ["from": 3, "interval_ms": 1000])
    clock.waitForSleepers()
    cancelled.cancel()
    #expect(try cancelled.wait().failure?.code == 1)
    // So does a deadline.
    var options = CallOptions()
    options.deadline = 500_000_000
    let late = try host.start("countdown", ["from": 3, "interval_ms": 1000], options: options)
    clock.waitForSleepers()
    clock.advance(by: .seconds(2))
    #expect(try late.wait().failure?.code == 4)
  }
}
