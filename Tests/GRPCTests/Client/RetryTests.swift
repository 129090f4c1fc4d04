import NIOCore
import Testing

@testable import GRPC

@Suite(.timeLimit(.minutes(5))) struct RetryTests {
  private let quick = RetryPolicy(
    maxAttempts: 4,
    backoff: Backoff(initial: .milliseconds(1), maximum: .milliseconds(5), multiplier: 2))

  // MARK: Decisions

  /// Ends the range at its middle: no chance.
  private struct Steady: RandomNumberGenerator {
    mutating func next() -> UInt64 { 1 << 63 }
  }

  private func decide(
    _ state: inout RetryState, _ code: StatusCode = .unavailable,
    _ progress: RetryState.Progress = .sent, _ pushback: RetryState.Pushback? = nil
  ) -> RetryState.Decision {
    var generator = Steady()
    return state.decide(code, progress, pushback, using: &generator)
  }

  @Test func pausesGrowUpToTheirLimit() {
    let backoff = Backoff(
      initial: .milliseconds(100), maximum: .milliseconds(500), multiplier: 2, jitter: 0)
    #expect(
      (1...5).map { backoff.delay(afterFailures: $0).nanoseconds / 1_000_000 }
        == [100, 200, 400, 500, 500])
  }

  @Test func pausesAreSpreadWithinTheirJitter() {
    let delays = (0..<1000).map { _ in
      Backoff.connecting.delay(afterFailures: 3).nanoseconds / 1_000_000
    }
    #expect(delays.allSatisfy { (2047...3073).contains($0) })
    #expect(Set(delays).count > 100)
    #expect(Backoff.connecting.delay(afterFailures: 1000) <= .seconds(144))
  }

  @Test func attemptsAreCounted() {
    var state = RetryState(policy: quick)
    for _ in 0..<3 {
      guard case .after = decide(&state) else {
        Issue.record("it gave up early")
        return
      }
    }
    #expect(decide(&state) == .giveUp)
    #expect(state.failures == 4)
  }

  @Test func otherCodesAreNotTriedAgain() {
    var state = RetryState(policy: quick)
    #expect(decide(&state, .internalError) == .giveUp)
  }

  @Test func refusedCallsAreTriedAgainOnceWithoutAPolicy() {
    var state = RetryState(policy: .none)
    #expect(decide(&state, .unavailable, .refused) == .now)
    #expect(state.failures == 0)
    #expect(decide(&state, .unavailable, .refused) == .giveUp)
  }

  @Test func serversSayWhen() {
    var state = RetryState(policy: quick)
    #expect(
      decide(&state, .unavailable, .sent, .after(.milliseconds(777)))
        == .after(.milliseconds(777)))
    #expect(decide(&state, .unavailable, .sent, .never) == .giveUp)
    #expect(RetryState.Pushback("25") == .after(.milliseconds(25)))
    for text in ["-1", "x", "", "1.5", "99999999999"] {
      #expect(RetryState.Pushback(text) == .never)
    }
  }

  // MARK: Calls

  @Test func callsAreMadeAgainAndSaySo() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let response = try await client.unary(
      "/test/Flaky", bytes("2"), options: CallOptions(retries: quick))
    #expect(text(response.message) == "3")
    #expect(service.seen.withLock { $0.attempts } == ["none", "1", "2"])
  }

  @Test func withoutAPolicyNoCallIsMadeAgain() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Flaky", bytes("2"))
    }
    #expect(error.message == "not yet")
    #expect(service.seen.withLock { $0.attempts } == ["none"])
  }

  @Test func attemptsRunOut() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary(
        "/test/Flaky", bytes("100"), options: CallOptions(retries: quick))
    }
    #expect(error.code == .unavailable)
    #expect(service.seen.withLock { $0.attempts } == ["none", "1", "2", "3"])
  }

  @Test func pushbackStopsACall() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    var options = CallOptions(retries: quick)
    options.metadata.add("-1", for: "x-pushback")
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Flaky", bytes("2"), options: options)
    }
    #expect(error.code == .unavailable)
    #expect(service.seen.withLock { $0.attempts } == ["none"])
  }

  @Test func aPauseBeyondTheDeadlineGivesTheBetterError() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    var options = CallOptions(timeout: .seconds(60), retries: quick)
    options.metadata.add("3600000", for: "x-pushback")
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Flaky", bytes("2"), options: options)
    }
    #expect(error.message == "not yet")
  }

  @Test func requestStreamsAreSentAgainFromTheirBeginning() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let call = client.clientStream("/test/FlakyCollect", options: CallOptions(retries: quick))
    for _ in 0..<5 { await call.requests.send([1, 2, 3]) }
    call.requests.finish()
    #expect(text(try await call.response().message) == "5 15")
    #expect(service.seen.withLock { $0.collected } >= 7)
  }

  @Test func requestStreamsThatAreTooLongToKeepAreNot() async throws {
    let service = try TestService()
    var configuration = ClientConfiguration()
    configuration.retryBufferSize = 10
    let client = GRPCClient(target: service.target, configuration: configuration)
    let call = client.clientStream("/test/FlakyCollect", options: CallOptions(retries: quick))
    // The first is out before the second comes.
    await call.requests.send([1, 2, 3])
    try await eventually { service.seen.withLock { $0.collected } == 1 }
    await call.requests.send([1, 2, 3])
    let error = try await failure { () async throws(RPCError) in _ = try await call.response() }
    #expect(error.message == "not yet")
  }

  /// Source: https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
  @Test func connectionsAreTriedAgainAsAllClientsDo() {
    #expect(
      Backoff.connecting
        == Backoff(initial: .seconds(1), maximum: .seconds(120), multiplier: 1.6, jitter: 0.2))
  }
}
