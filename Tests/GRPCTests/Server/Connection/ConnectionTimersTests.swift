import NIOCore
import Testing

@testable import GRPC

@Suite struct ConnectionTimersTests {
  private typealias Seen = ConnectionTimers.Observation

  /// Runs the timers until `end` seconds, as a connection does; returns what happened when.
  private func run(
    _ limits: ServerLimits, until end: Int, jitter: Double = 0, seen: (Int) -> Seen
  ) -> [String] {
    var timers = ConnectionTimers(limits, now: at(0), jitter: jitter)
    var events: [String] = []
    var now = at(0)
    var checks = 0
    while now < at(end) {
      let second = Int(now.uptimeNanoseconds / 1_000_000_000)
      let (actions, next) = timers.check(seen(second), now: now)
      for action in actions { events.append("\(second) \(action)") }
      if actions.contains(where: { if case .close = $0 { true } else { false } }) { break }
      #expect(next > .zero)
      now = now + next
      checks += 1
    }
    #expect(checks < 2000, "the timer runs too often")
    return events
  }

  private var quiet: ServerLimits {
    var limits = ServerLimits()
    limits.keepalive.time = nil
    limits.firstCallTimeout = nil
    limits.sendTimeout = nil
    return limits
  }

  @Test func aSilentSocketIsClosed() {
    let events = run(quiet, until: 100) { _ in Seen(isEstablished: false) }
    #expect(events == ["20 close(\"no handshake\")"])
  }

  @Test func theFirstCallHasItsTime() {
    var limits = quiet
    limits.firstCallTimeout = .seconds(30)
    #expect(run(limits, until: 31) { _ in Seen() } == ["30 drain"])
    #expect(run(limits, until: 100) { _ in Seen(callsBegun: 1) } == [])
  }

  @Test func aSilentClientIsPingedAndThenGivenUp() {
    var limits = quiet
    limits.keepalive.time = .seconds(100)
    #expect(
      run(limits, until: 1000) { _ in Seen() }
        == ["100 ping", "120 close(\"keepalive ping not answered\")"])
    // Any input is an answer.
    let events = run(limits, until: 250) { Seen(hasReceived: $0 >= 110) }
    #expect(events == ["100 ping"])
  }

  @Test func anIdleConnectionEnds() {
    var limits = quiet
    limits.keepalive.maxIdle = .seconds(60)
    // Calls come and go until the hundredth second, without one being open at a check.
    let events = run(limits, until: 170) { Seen(callsBegun: min($0, 100)) }
    #expect(events.count == 1)
    #expect(events[0].hasSuffix(" drain"))
    let second = Int(events[0].split(separator: " ")[0])!
    #expect((160...176).contains(second))
    #expect(run(limits, until: 1000) { _ in Seen(callsBegun: 1, callsOpen: 1) } == [])
  }

  @Test func anOldConnectionEndsInTwoSteps() {
    var limits = quiet
    limits.keepalive.maxAge = .seconds(100)
    limits.keepalive.maxAgeGrace = .seconds(50)
    func seen(_ second: Int) -> Seen {
      Seen(callsBegun: 1, callsOpen: 1, drain: second <= 100 ? .serving : .refusing)
    }
    #expect(run(limits, until: 200, seen: seen) == ["100 drain", "150 terminate"])
    #expect(run(limits, until: 108, jitter: 1) { _ in Seen(callsBegun: 1) } == [])
    #expect(run(limits, until: 91, jitter: -1) { _ in Seen(callsBegun: 1) } == ["90 drain"])
  }

  @Test func aDrainGoesOnWithoutTheClientsAnswer() {
    let events = run(quiet, until: 21) { _ in Seen(callsBegun: 1, drain: .noticed) }
    #expect(events == ["20 drainTimedOut"])
  }

  @Test func aClientThatReadsNothingIsCutOff() {
    var limits = quiet
    limits.sendTimeout = .seconds(60)
    #expect(
      run(limits, until: 1000) { _ in Seen(socketIsBehind: true) }
        == ["60 close(\"the client reads nothing\")"])
    #expect(
      run(limits, until: 61) { _ in Seen(windowIsShut: true) } == ["60 disconnect(\"window_shut\")"]
    )
    // A slow one is not, nor one for which nothing waits.
    #expect(run(limits, until: 1000) { Seen(socketIsBehind: true, bytesSent: $0) } == [])
    #expect(run(limits, until: 1000) { Seen(windowIsShut: true, dataFramesSent: $0) } == [])
    #expect(run(limits, until: 1000) { _ in Seen() } == [])
  }
}

private func at(_ second: Int) -> NIODeadline {
  .uptimeNanoseconds(UInt64(second) * 1_000_000_000)
}
