import NIOCore
import Testing

@testable import GRPC

/// Calls that end, or are moved, before their headers have left: the server must not hear of them.
@Suite(.timeLimit(.minutes(5))) struct UnopenedStreamTests {
  /// A server that answers every call but the first, which it keeps open.
  private func holdingTheFirst(concurrentStreams: UInt32? = nil) async throws -> StrictServer {
    try await StrictServer { connection, event in
      switch event {
      case .connected: connection.settings(concurrentStreams: concurrentStreams)
      case .opened(1) where connection.number == 0: connection.begin(1)
      case .requested(let stream) where stream > 1 || connection.number > 0:
        connection.respond(stream)
      default: break
      }
    }
  }

  /// Opens the call that must live on.
  private func openFirst(_ client: GRPCClient) async throws -> ResponseStream {
    let first = client.serverStream("/test/First", [])
    _ = try await first.metadata
    return first
  }

  private func expectNoHarm(_ server: StrictServer, _ client: GRPCClient) async throws {
    // Whatever was sent before this call has been seen when it is answered.
    _ = try await client.unary("/test/After", [])
    let seen = server.seen
    #expect(seen.violations == [])
    #expect(seen.connections == 1)
    try await server.stop()
  }

  @Test func aCallThatIsCancelledAtOnceHarmsNoOther() async throws {
    let server = try await holdingTheFirst()
    let client = GRPCClient(target: server.target)
    let first = try await openFirst(client)
    // Begun and cancelled in one turn of the event loop: nothing can have been sent between.
    try await client.eventLoop.submit {
      for _ in 0..<10 { client.serverStream("/test/Cancelled", []).cancel() }
    }.get()
    try await expectNoHarm(server, client)
    #expect(server.seen.opened.count == 2)
    first.cancel()
  }

  @Test func aCallWhoseDeadlineHasPassedHarmsNoOther() async throws {
    let server = try await holdingTheFirst()
    let client = GRPCClient(target: server.target)
    let first = try await openFirst(client)
    let late = try await client.eventLoop.submit {
      let calls = (0..<10).map { _ in
        client.serverStream("/test/Late", [], options: CallOptions(timeout: .milliseconds(1)))
      }
      let end = NIODeadline.now() + .milliseconds(5)
      while NIODeadline.now() < end {}
      return calls
    }.get()
    for call in late {
      let error = try await failure { () async throws(RPCError) in _ = try await call.trailers }
      #expect(error.code == .deadlineExceeded)
    }
    try await expectNoHarm(server, client)
    first.cancel()
  }

  @Test func aCallThatIsCancelledWhileItWaitsForItsTurnHarmsNoOther() async throws {
    let server = try await holdingTheFirst(concurrentStreams: 2)
    let client = GRPCClient(target: server.target)
    let first = try await openFirst(client)
    try await client.eventLoop.submit {
      let calls = (0..<10).map { _ in client.serverStream("/test/Cancelled", []) }
      for call in calls { call.cancel() }
    }.get()
    try await expectNoHarm(server, client)
    first.cancel()
  }

  /// A connection whose socket takes no more keeps headers back.
  @Test func aCallThatIsCancelledBehindAFullSocketHarmsNoOther() async throws {
    let server = try await holdingTheFirst()
    let client = GRPCClient(target: server.target)
    let first = try await openFirst(client)
    try await client.eventLoop.submit {
      let metadata = {
        var metadata = Metadata()
        metadata.add(String(repeating: "x", count: 50_000), for: "x-large")
        return metadata
      }()
      // 20 MB: more than any socket buffer, and than what goes out in one turn.
      let calls = (0..<400).map { _ in
        client.serverStream("/test/Large", [], options: CallOptions(metadata: metadata))
      }
      client.eventLoop.execute {
        client.eventLoop.execute { for call in calls { call.cancel() } }
      }
    }.get()
    try await expectNoHarm(server, client)
    first.cancel()
  }

  /// The answer that makes room for the next call comes in one piece with a GOAWAY: headers that
  /// are queued then may not leave any more, and the call goes to the next connection.
  @Test func callsThatAGoawayOvertakesAreMadeOnTheNextConnection() async throws {
    let server = try await StrictServer { connection, event in
      switch event {
      case .connected: connection.settings(concurrentStreams: 1)
      case .requested(let stream) where connection.number < 3:
        connection.together {
          connection.respond(stream)
          connection.goAway(last: stream)
        }
      case .requested(let stream): connection.respond(stream)
      default: break
      }
    }
    let client = GRPCClient(target: server.target)
    let calls = try await client.eventLoop.submit {
      (0..<10).map { client.serverStream("/test/\($0)", []) }
    }.get()
    for call in calls { _ = try await call.trailers }
    let seen = server.seen
    #expect(seen.violations == [])
    #expect(seen.connections == 4)
    #expect(seen.requested.count == 10)
    try await server.stop()
  }

  /// Headers that HTTP/2 cannot send end their call, once.
  @Test func headersThatCannotBeSentEndTheirCall() async throws {
    let server = try await holdingTheFirst()
    let client = GRPCClient(target: server.target)
    let first = try await openFirst(client)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/" + String(repeating: "x", count: 100_000), [])
    }
    #expect(error.code == .internalError)
    try await expectNoHarm(server, client)
    first.cancel()
  }

  /// A server that retires each connection before it has answered anything is not besieged.
  @Test func aServerThatOnlyRetiresConnectionsIsGivenTime() async throws {
    let server = try await StrictServer { connection, event in
      guard case .connected = event else { return }
      connection.settings()
      connection.goAway(last: 0)
    }
    let client = GRPCClient(target: server.target)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Echo", [])
    }
    #expect(error.code == .unavailable)
    #expect(server.seen.connections == 2)
    try await server.stop()
  }
}
