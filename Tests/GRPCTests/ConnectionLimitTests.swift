import NIOCore
import Testing

@testable import GRPC

@Suite struct FrameBudgetTests {
  @Test func aFloodRunsOut() {
    var budget = FrameBudget(burst: 10, perSecond: 5, now: at(0))
    #expect(spend(&budget, at: 0) == 10)
    // Two seconds later there is room for ten more, and after an hour not for more than a burst.
    #expect(spend(&budget, at: 2) == 10)
    #expect(spend(&budget, at: 3600) == 10)
  }

  /// Spends until nothing is left.
  private func spend(_ budget: inout FrameBudget, at second: Int) -> Int {
    var count = 0
    while count < 100, budget.spend(dataFramesSent: 0, now: { at(second) }) { count += 1 }
    return count
  }

  @Test func whatWeSendMayBeAnswered() {
    var budget = FrameBudget(burst: 10, perSecond: 0, now: at(0))
    for sent in 1...1000 {
      for _ in 0..<3 {
        let isLeft = budget.spend(dataFramesSent: sent, now: { at(0) })
        #expect(isLeft)
      }
    }
  }
}

@Suite struct FrameScannerTests {
  private func frame(
    _ type: UInt8, _ stream: UInt8 = 0, flags: UInt8 = 0, _ payload: [UInt8] = []
  ) -> [UInt8] {
    [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream]
      + payload
  }

  /// How many of the frames are counted, in whatever pieces they come.
  private func count(_ frames: [UInt8]..., sourceLocation: SourceLocation = #_sourceLocation) -> Int
  {
    let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frames.flatMap { $0 }
    let counts = [bytes.count, 1, 7, 10].map { size in
      var scanner = FrameScanner()
      var count = 0
      var rest = bytes[...]
      while !rest.isEmpty {
        count += Array(rest.prefix(size)).withUnsafeBytes { scanner.scan($0) }
        rest = rest.dropFirst(size)
      }
      return count
    }
    #expect(Set(counts).count == 1, sourceLocation: sourceLocation)
    return counts[0]
  }

  private let data: UInt8 = 0
  private let headers: UInt8 = 1
  private let end: UInt8 = 1
  private let padded: UInt8 = 8

  @Test func requestsAreNotCounted() {
    let long = [UInt8](repeating: 7, count: 300)
    #expect(
      count(
        frame(headers, 1, long), frame(9, 1, [1, 2]), frame(data, 1, long), frame(data, 1, [1]),
        frame(data, 1, flags: padded, [2, 7, 0, 0]), frame(data, 1, flags: end),
        frame(headers, 3, flags: end, [1]), frame(headers, 5, [1]),
        frame(data, 5, flags: end | padded, [1, 0])) == 0)
  }

  @Test(arguments: [2, 3, 4, 5, 6, 7, 8, 10, 16, 250] as [UInt8])
  func othersAre(type: UInt8) {
    #expect(count(frame(type, 0, [1, 2, 3]), frame(type, 1), frame(type, 7, flags: 1)) == 3)
  }

  @Test func dataWithoutDataIs() {
    #expect(
      count(
        frame(headers, 1), frame(data, 1), frame(data, 1, flags: padded, [0]),
        frame(data, 1, flags: padded, [3, 0, 0, 0]), frame(data, 1, flags: padded, [9, 0])) == 4)
  }

  @Test func aStreamBeginsAndEndsOnce() {
    #expect(
      count(
        frame(headers, 3, flags: end), frame(headers, 3, flags: end), frame(headers, 1),
        frame(data, 3, flags: end), frame(data, 3, flags: end, [1])) == 4)
    // Trailers end a request.
    #expect(count(frame(headers, 1), frame(data, 1, [1]), frame(headers, 1, flags: end)) == 0)
  }
}

@Suite struct PingPolicyTests {
  @Test func theThirdPingTooSoonIsTooMany() {
    var policy = PingPolicy(ServerKeepalive())
    let answers = (0..<4).map { policy.allows(now: at($0), sent: 0, hasCalls: true) }
    #expect(answers == [true, true, true, false])
  }

  @Test func pingsFarApartAreFine() {
    var policy = PingPolicy(ServerKeepalive())
    let answers = (0..<100).map { policy.allows(now: at($0 * 10), sent: 0, hasCalls: false) }
    #expect(answers.allSatisfy { $0 })
  }

  @Test func pingsAfterAnAnswerAreFine() {
    var policy = PingPolicy(ServerKeepalive())
    let answers = (0..<100).map { policy.allows(now: at(0), sent: $0, hasCalls: true) }
    #expect(answers.allSatisfy { $0 })
  }

  @Test func pingsWithoutCallsMayNeedTwoHours() {
    var keepalive = ServerKeepalive()
    keepalive.permitsPingsWithoutCalls = false
    var policy = PingPolicy(keepalive)
    let answers = (0..<4).map { policy.allows(now: at($0 * 600), sent: 0, hasCalls: false) }
    #expect(answers == [true, true, true, false])
  }
}

@Suite struct ConnectionTimerTests {
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
