import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import GRPC

/// Connections that fail, are drained, are lost, idle, and come back.
@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
  /// Attempts to connect follow each other at once.
  private var impatient: ClientConfiguration {
    var configuration = ClientConfiguration()
    configuration.connectBackoff = Backoff(
      initial: .milliseconds(5), maximum: .milliseconds(20), multiplier: 1.6)
    return configuration
  }

  @Test func callsFailFastAndNameTheCause() async throws {
    let host = Loopback.address()
    let client = GRPCClient(target: .tcp(host: host, port: 50051))
    for _ in 0..<3 {
      let error = try await failure { () async throws(RPCError) in
        _ = try await client.unary("/test/Echo", [])
      }
      #expect(error.code == .unavailable)
      #expect(error.message == "cannot connect to \(host):50051: Connection refused")
    }
    await client.shutDown()
  }

  @Test func unknownHostsAndMissingSocketsAreNamed() async throws {
    for (target, reason) in [
      (ServerAddress.tcp(host: "no-such-host.invalid", port: 1), "the host name is not known"),
      (.unix(path: "/no/such/socket"), "No such file or directory"),
    ] {
      let error = try await failure { () async throws(RPCError) in
        _ = try await GRPCClient(target: target).unary("/test/Echo", [])
      }
      #expect(error.code == .unavailable)
      #expect(error.message == "cannot connect to \(target): \(reason)")
    }
  }

  @Test func callsThatWaitSurviveUntilTheServerIsThere() async throws {
    let service = try TestService(host: Loopback.address())
    await service.stop(grace: .zero)
    let client = GRPCClient(target: service.target, configuration: impatient)
    let options = CallOptions(waitsForReady: true)
    async let response = client.unary("/test/Echo", bytes("late"), options: options)
    // Several attempts fail meanwhile.
    try await eventually { client.connectFailures >= 3 }
    try service.start()
    #expect(text(try await response.message) == "late")
    #expect(client.connectFailures == 0)
  }

  @Test func waitingEndsWithTheDeadlineAndSaysForWhat() async throws {
    let host = Loopback.address()
    let client = GRPCClient(target: .tcp(host: host, port: 50051), configuration: impatient)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary(
        "/test/Echo", [], options: CallOptions(timeout: .seconds(1), waitsForReady: true))
    }
    #expect(error.code == .deadlineExceeded)
    #expect(error.message.contains("\(host):50051"))
  }

  /// Open calls finish on the connection that is drained; new ones go to the next server.
  @Test func aDrainLosesNoCall() async throws {
    let service = try TestService(host: Loopback.address())
    let client = GRPCClient(target: service.target, configuration: impatient)
    let call = client.bidirectional("/test/Each")
    let responses = call.responses.makeAsyncIterator()
    await call.requests.send(bytes("before"))
    #expect(try await responses.next().map(text) == "before")

    async let stopped: Void = service.stop(grace: .seconds(20))
    try await eventually { client.isIdle }
    await call.requests.send(bytes("during"))
    #expect(try await responses.next().map(text) == "during")
    call.requests.finish()
    #expect(try await responses.next() == nil)
    await stopped

    try service.start()
    let options = CallOptions(waitsForReady: true)
    let response = try await client.unary("/test/Echo", bytes("after"), options: options)
    #expect(text(response.message) == "after")
  }

  /// Servers come and go under a storm of calls: each is answered or fails as it may.
  @Test func restartsUnderLoadAreRiddenOut() async throws {
    let service = try TestService(host: Loopback.address())
    var configuration = impatient
    configuration.retries = RetryPolicy(
      maxAttempts: 5,
      backoff: Backoff(initial: .milliseconds(1), maximum: .milliseconds(10), multiplier: 2))
    let client = GRPCClient(target: service.target, configuration: configuration)
    let done = Flag()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for worker in 0..<16 {
        group.addTask {
          var answered = 0
          while !done.isUp.load(ordering: .relaxed) {
            let request = bytes("\(worker) \(answered)")
            let response = try await client.unary(
              "/test/Echo", request, options: CallOptions(waitsForReady: true))
            #expect(response.message == request)
            answered += 1
          }
          return answered
        }
      }
      for _ in 0..<5 {
        try await Task.sleep(for: .milliseconds(50))
        await service.stop(grace: .seconds(5))
        try service.start()
      }
      done.isUp.store(true, ordering: .relaxed)
      for try await answered in group { #expect(answered > 0) }
    }
  }

  @Test func aServerThatEndsAtOnceEndsItsCalls() async throws {
    let service = try TestService(host: Loopback.address())
    let client = GRPCClient(target: service.target, configuration: impatient)
    let task = Task {
      try await failure { () async throws(RPCError) in
        _ = try await client.unary("/test/Hang", [])
      }
    }
    try await eventually { service.seen.withLock { $0.hanging } == 1 }
    await service.stop(grace: .zero)
    #expect(try await task.value.code == .unavailable)
    try service.start()
    let options = CallOptions(waitsForReady: true)
    #expect(
      text(try await client.unary("/test/Echo", bytes("x"), options: options).message) == "x")
  }

  @Test func idleConnectionsAreClosedAndMadeAgain() async throws {
    let service = try TestService()
    var configuration = ClientConfiguration()
    configuration.idleTimeout = .milliseconds(20)
    let client = GRPCClient(target: service.target, configuration: configuration)
    for _ in 0..<3 {
      _ = try await client.unary("/test/Echo", [])
      try await eventually { client.connectionCount == 0 }
    }
  }

  @Test func keepaliveLeavesALivingConnectionAlone() async throws {
    let service = try TestService()
    var configuration = ClientConfiguration()
    configuration.keepalive = ClientConfiguration.Keepalive(
      time: .milliseconds(10), timeout: .seconds(20))
    let client = GRPCClient(target: service.target, configuration: configuration)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary(
        "/test/Hang", [], options: CallOptions(timeout: .seconds(1)))
    }
    #expect(error.code == .deadlineExceeded)
    #expect(client.connectionCount == 1)
  }

  @Test func shutDownWaitsForCallsAndRefusesNewOnes() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let call = client.bidirectional("/test/Each")
    let responses = call.responses.makeAsyncIterator()
    await call.requests.send(bytes("a"))
    #expect(try await responses.next().map(text) == "a")
    async let closed: Void = client.shutDown(grace: .seconds(20))
    try await eventually { client.isShuttingDown }
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Echo", [])
    }
    #expect(error.code == .unavailable)
    await call.requests.send(bytes("b"))
    #expect(try await responses.next().map(text) == "b")
    call.requests.finish()
    #expect(try await responses.next() == nil)
    await closed
    #expect(client.connectionCount == 0)
  }

  @Test func shutDownEndsCallsAfterTheGrace() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let task = Task {
      try await failure { () async throws(RPCError) in
        _ = try await client.unary("/test/Hang", [])
      }.code
    }
    try await eventually { service.seen.withLock { $0.hanging } == 1 }
    await client.shutDown(grace: .milliseconds(10))
    #expect(try await task.value == .unavailable)
    #expect(client.connectionCount == 0)
  }

  @Test func aClientThatIsLetGoCloses() async throws {
    let service = try TestService()
    var client: GRPCClient? = GRPCClient(target: service.target)
    let dispatcher = try #require(client?.dispatcher)
    _ = try await client?.unary("/test/Echo", [])
    client = nil
    try await eventually { dispatcher.inspect { $0.connections.isEmpty } }
  }
}

/// Something that tasks share.
private final class Flag: Sendable {
  let isUp = Atomic<Bool>(false)
}

extension GRPCClient {
  fileprivate var connectFailures: Int { dispatcher.inspect { $0.connectivity.failures } }
  fileprivate var connectionCount: Int { dispatcher.inspect { $0.connections.count } }
  fileprivate var isShuttingDown: Bool { dispatcher.inspect { !$0.life.takesCalls } }
  fileprivate var isIdle: Bool {
    dispatcher.inspect { if case .ready = $0.connectivity.phase { false } else { true } }
  }
}

extension CallDispatcher {
  fileprivate func inspect<Result: Sendable>(
    _ body: @escaping @Sendable (CallDispatcher) -> Result
  ) -> Result {
    // swift-format-ignore: NeverUseForceTry
    try! eventLoop.submit { body(self) }.wait()
  }
}
