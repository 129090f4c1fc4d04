import NIOCore
import Testing

@testable import GRPC

@Suite struct FrameBudgetTests {
  private typealias Traffic = FrameBudget.Traffic

  private func budget(burst: Int = 10, perSecond: Int = 0, streams: Int = 100) -> FrameBudget {
    FrameBudget(burst: burst, perSecond: perSecond, concurrentStreams: streams, now: at(0))
  }

  private func frames(
    calls: Int = 0, resets: Int = 0, control: Int = 0
  ) -> FrameScanner.Counts {
    FrameScanner.Counts(newStreams: calls, resets: resets, control: control)
  }

  /// Spends frames of one kind until nothing is left.
  private func spendAll(
    _ budget: inout FrameBudget, _ one: FrameScanner.Counts, after sent: Traffic = Traffic(),
    at second: Int = 0
  ) -> Int {
    var count = 0
    while count < 100_000, budget.spendAll(one, after: sent, now: { at(second) }) { count += 1 }
    return count
  }

  @Test(arguments: [true, false])
  func aFloodRunsOut(ofResets: Bool) {
    var budget = budget(perSecond: 5)
    let one = ofResets ? frames(resets: 1) : frames(control: 1)
    #expect(spendAll(&budget, one) == 10)
    // Two seconds later there is room for ten more, and after an hour not for more than a burst.
    #expect(spendAll(&budget, one, at: 2) == 10)
    #expect(spendAll(&budget, one, at: 3600) == 10)
  }

  @Test func aFloodInOneBatchRunsOut() {
    var budget = budget()
    let isLeft = budget.spendAll(frames(control: 11), after: Traffic(), now: { at(0) })
    #expect(!isLeft)
  }

  @Test func whatWeSendMayBeAnswered() {
    var budget = budget()
    for sent in 1...1000 {
      let isLeft = budget.spendAll(
        frames(control: 3), after: Traffic(dataFramesSent: sent), now: { at(0) })
      #expect(isLeft)
    }
    for sent in 1...1000 {
      let isLeft = budget.spendAll(
        frames(control: 16),
        after: Traffic(dataFramesSent: 1000, dataBytesSent: sent * 16_384), now: { at(0) })
      #expect(isLeft)
    }
  }

  /// grpcio sends up to one window update for a call that gets nothing but an error.
  @Test func callsMayComeWithControlFrames() {
    var budget = budget()
    for _ in 0..<1000 {
      let isLeft = budget.spendAll(frames(calls: 1, control: 3), after: Traffic(), now: { at(0) })
      #expect(isLeft)
    }
    #expect(spendAll(&budget, frames(control: 1)) <= 10)
  }

  @Test func callsThatWereOpenMayBeReset() {
    var budget = budget()
    for count in 0..<1000 {
      let isLeft = budget.spendAll(
        frames(calls: 1, resets: 1), after: Traffic(callsSettled: count), now: { at(0) })
      #expect(isLeft)
    }
  }

  @Test func allOpenCallsMayBeResetAtOnce() {
    var budget = budget()
    let isLeft = budget.spendAll(
      frames(resets: 100), after: Traffic(callsSettled: 100), now: { at(0) })
    #expect(isLeft)
  }

  /// Some calls are reset before they have been looked at, because they came in one batch.
  @Test func someResetsMayComeAtOnce() {
    var budget = budget()
    for count in 0..<1000 {
      let isLeft = budget.spendAll(
        frames(calls: 2, resets: 2), after: Traffic(callsSettled: count), now: { at(0) })
      #expect(isLeft)
    }
  }

  /// Those that ask for nothing: their requests were not complete.
  @Test func callsThatAreResetAtOnceEarnNothing() {
    var budget = budget()
    #expect(spendAll(&budget, frames(calls: 1, resets: 1)) == 10)
  }

  @Test func aResetThatWasProvokedCostsWhatItsCallEarned() {
    var budget = budget(burst: 40)
    var count = 0
    while count < 1000,
      budget.spendProvokedReset(after: Traffic(callsSettled: count), now: { at(0) })
    {
      count += 1
    }
    #expect((10...50).contains(count))
  }

  /// What calls and data have earned long ago is not hoarded without end.
  @Test func thereIsAMost() {
    var budget = budget(streams: 100)
    let sent = Traffic(dataFramesSent: 1_000_000, dataBytesSent: 1 << 40, callsSettled: 1_000_000)
    #expect(spendAll(&budget, frames(control: 1), after: sent) == 320)
    #expect(spendAll(&budget, frames(resets: 1), after: sent) == 310)
  }
}

extension FrameBudget {
  /// Spends a whole batch; the traffic is the same before it and after.
  fileprivate mutating func spendAll(
    _ frames: FrameScanner.Counts, after traffic: Traffic, now: () -> NIODeadline
  ) -> Bool {
    spend(frames, after: traffic, now: now)
      && spendResets(frames.resets, after: traffic, now: now)
  }
}

private func at(_ second: Int) -> NIODeadline {
  .uptimeNanoseconds(UInt64(second) * 1_000_000_000)
}
