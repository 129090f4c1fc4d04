import NIOCore
import Testing

@testable import GRPC

/// Connections that are lost while calls are open on them.
@Suite(.timeLimit(.minutes(5))) struct LostConnectionTests {
  /// A request may have been acted on when its connection is lost: it must not be sent again.
  @Test func aCallOfALostConnectionIsNotMadeAgain() async throws {
    let server = try await StrictServer { connection, event in
      switch event {
      case .connected: connection.settings()
      case .requested: connection.close()
      case .opened: break
      }
    }
    let client = GRPCClient(target: server.target)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Write", bytes("once"))
    }
    #expect(error.code == .unavailable)
    // Whatever is made again would be by now: calls go out in order.
    let next = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Write", bytes("next"))
    }
    #expect(next.code == .unavailable)
    #expect(server.seen.requested.count == 2)
    try await server.stop()
  }

  /// Half of a request is enough to be acted on, too.
  @Test func aStreamOfALostConnectionIsNotMadeAgain() async throws {
    let server = try await StrictServer { connection, event in
      switch event {
      case .connected: connection.settings()
      case .opened: connection.close()
      case .requested: break
      }
    }
    let client = GRPCClient(target: server.target)
    let call = client.clientStream("/test/Write")
    await call.requests.send(bytes("once"))
    let error = try await failure { () async throws(RPCError) in _ = try await call.response() }
    #expect(error.code == .unavailable)
    #expect(server.seen.opened.count == 1)
    try await server.stop()
  }

  /// What a server says it did not take is sent again, once.
  @Test func aCallThatIsRefusedIsMadeAgainOnce() async throws {
    let server = try await StrictServer { connection, event in
      switch event {
      case .connected: connection.settings()
      case .requested(let stream): connection.reset(stream, code: 7)
      case .opened: break
      }
    }
    let client = GRPCClient(target: server.target)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Write", [])
    }
    #expect(error.code == .unavailable)
    #expect(server.seen.requested.count == 2)
    try await server.stop()
  }

  /// What arrives counts against the connection's window until the connection has received it, not
  /// until somebody reads it: streams that nobody reads leave the others their room.
  @Test func unreadStreamsLeaveTheConnectionsWindowOpen() async throws {
    let each = 16_000
    let server = try await StrictServer { connection, event in
      switch event {
      case .connected: connection.settings()
      case .requested(let stream):
        connection.begin(stream)
        connection.message(stream, byteCount: each)
      case .opened: break
      }
    }
    var configuration = ClientConfiguration()
    configuration.connectionWindow = 65_535
    let client = GRPCClient(target: server.target, configuration: configuration)
    // 16 times the window, of which nobody reads a byte until all is there.
    var streams: [ResponseStream] = []
    for number in 1...64 {
      let stream = client.serverStream("/test/\(number)", [])
      _ = try await stream.metadata
      streams.append(stream)
      try await eventually {
        65_535 + server.seen.connectionWindow - number * (each + 5) >= each + 5
      }
    }
    for stream in streams {
      #expect(try await stream.makeAsyncIterator().next()?.count == each)
    }
    try await server.stop()
  }
}
