import NIOCore
import Testing

@testable import GRPC

@Suite struct PingPolicyTests {
  @Test func theThirdPingTooSoonIsTooMany() {
    var policy = PingPolicy(ServerKeepalive())
    let answers = (0..<4).map { policy.allows(now: at($0), answers: 0, bytes: 0, hasCalls: true) }
    #expect(answers == [true, true, true, false])
  }

  @Test func pingsFarApartAreFine() {
    var policy = PingPolicy(ServerKeepalive())
    let answers = (0..<100).map {
      policy.allows(now: at($0 * 10), answers: 0, bytes: 0, hasCalls: false)
    }
    #expect(answers.allSatisfy { $0 })
  }

  @Test func pingsAfterAnAnswerAreFine() {
    var policy = PingPolicy(ServerKeepalive())
    let answers = (0..<100).map { policy.allows(now: at(0), answers: $0, bytes: 0, hasCalls: true) }
    #expect(answers.allSatisfy { $0 })
  }

  @Test func pingsWithoutCallsMayNeedTwoHours() {
    var keepalive = ServerKeepalive()
    keepalive.permitsPingsWithoutCalls = false
    var policy = PingPolicy(keepalive)
    let answers = (0..<4).map {
      policy.allows(now: at($0 * 600), answers: 0, bytes: 0, hasCalls: false)
    }
    #expect(answers == [true, true, true, false])
  }

  /// A client that reads slowly what was sent at once, and measures the round trip meanwhile.
  @Test func pingsForDataAreFine() {
    var policy = PingPolicy(ServerKeepalive())
    let answers = (0..<64).map {
      policy.allows(now: at($0), answers: 1, bytes: 65_536, hasCalls: true)
    }
    #expect(answers.allSatisfy { $0 })
    let after = (64..<70).map {
      policy.allows(now: at($0), answers: 1, bytes: 65_536, hasCalls: true)
    }
    #expect(after.contains(false))
  }

  /// Small parts add up, and what is earned has an end.
  @Test func dataEarnsPingsByItsBytes() {
    var policy = PingPolicy(ServerKeepalive())
    for second in 0..<10 {
      _ = policy.allows(now: at(second), answers: 1, bytes: 600 * second, hasCalls: true)
    }
    var allowed = 0
    while allowed < 10_000,
      policy.allows(now: at(10), answers: 1, bytes: 1 << 40, hasCalls: true)
    {
      allowed += 1
    }
    #expect((4096...4100).contains(allowed))
  }

  /// gun, which Elixir's clients use, pings every five seconds if not told otherwise.
  @Test func aPingEveryFiveSecondsIsFine() {
    var policy = PingPolicy(ServerKeepalive())
    let answers = (0..<100).map {
      policy.allows(now: at($0 * 5), answers: 0, bytes: 0, hasCalls: false)
    }
    #expect(answers.allSatisfy { $0 })
  }
}

private func at(_ second: Int) -> NIODeadline {
  .uptimeNanoseconds(UInt64(second) * 1_000_000_000)
}
