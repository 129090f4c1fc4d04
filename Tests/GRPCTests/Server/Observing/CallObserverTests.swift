import Logging
import NIOCore
import Testing
import Threads

@testable import GRPC

/// Every call that was served is told of once, with what it was.
@Suite struct CallObserverTests {
  /// Keeps what it hears.
  final class Listener: CallObserver {
    private let heard = Locked<[FinishedCall]>([])

    func callFinished(_ call: FinishedCall) { heard.withLock { $0.append(call) } }

    var calls: [FinishedCall] { heard.withLock { $0 } }

    /// The calls once there are so many; a failure when there are fewer for long.
    func calls(_ count: Int) async throws -> [FinishedCall] {
      for _ in 0..<4000 where calls.count < count { try await Task.sleep(for: .milliseconds(5)) }
      try #require(calls.count >= count)
      return calls
    }
  }

  private static let methods: [RPCMethod] = [
    .unary("/t/Echo") { request, _ throws(RPCError) in request },
    .unary("/t/Refuse") { _, _ throws(RPCError) in throw RPCError(.notFound, "no") },
    .serverStream("/t/Count") { request, responses, _ in
      for size in request { try await responses.send([UInt8](repeating: 0, count: Int(size))) }
    },
    .clientStream("/t/Collect") { requests, _ in
      var count: UInt8 = 0
      for try await _ in requests { count += 1 }
      return [count]
    },
    .bidirectional("/t/Each") { requests, responses, _ in
      for try await request in requests { try await responses.send(request + request) }
    },
    .asyncUnary("/t/Hang") { _, _ in
      try await Task.sleep(for: .seconds(60))
      return []
    },
  ]

  /// Runs `body` with a client of a real server.
  private func serve(
    _ body: (GRPCClient, Listener) async throws -> Void
  ) async throws {
    let listener = Listener()
    let server = GRPCServer(
      methods: Self.methods, eventLoops: 1, observer: listener, logger: TestService.quiet)
    let client = GRPCClient(target: try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)))
    do {
      try await body(client, listener)
    } catch {
      await server.shutDown(grace: .zero)
      throw error
    }
    await client.shutDown()
    await server.shutDown(grace: .zero)
  }

  private func now() -> Int64 {
    CallRecord(now: .now()).startTime
  }

  @Test func aUnaryCall() async throws {
    try await serve { client, listener in
      let before = now()
      var metadata = Metadata()
      metadata.add("ada", for: "x-user")
      _ = try await client.unary("/t/Echo", [1, 2, 3], options: CallOptions(metadata: metadata))
      let call = try await listener.calls(1)[0]
      #expect(call.path == "/t/Echo" && call.isKnownMethod)
      #expect(call.status == .ok && call.httpStatus == 200)
      #expect(call.requestMessages == 1 && call.requestBytes == 3)
      #expect(call.responseMessages == 1 && call.responseBytes == 3)
      #expect(call.metadata["x-user"] == "ada")
      #expect("\(call.peer)".contains("127.0.0.1"))
      #expect((before...now()).contains(call.startTime))
      #expect(call.duration >= .zero)
    }
  }

  @Test func streams() async throws {
    try await serve { client, listener in
      for try await _ in client.serverStream("/t/Count", [1, 0, 200]) {}
      var call = try await listener.calls(1)[0]
      #expect(call.path == "/t/Count" && call.status == .ok)
      #expect(call.requestMessages == 1 && call.responseMessages == 3 && call.responseBytes == 201)

      let collect = client.clientStream("/t/Collect")
      for size in [5, 6] { await collect.requests.send([UInt8](repeating: 0, count: size)) }
      collect.requests.finish()
      _ = try await collect.response()
      call = try await listener.calls(2)[1]
      #expect(call.path == "/t/Collect" && call.status == .ok)
      #expect(call.requestMessages == 2 && call.requestBytes == 11)
      #expect(call.responseMessages == 1 && call.responseBytes == 1)

      let each = client.bidirectional("/t/Each")
      for _ in 0..<3 { await each.requests.send([1, 2]) }
      each.requests.finish()
      for try await _ in each.responses {}
      call = try await listener.calls(3)[2]
      #expect(call.path == "/t/Each")
      #expect(call.requestMessages == 3 && call.requestBytes == 6)
      #expect(call.responseMessages == 3 && call.responseBytes == 12)
    }
  }

  @Test func errors() async throws {
    try await serve { client, listener in
      _ = try? await client.unary("/t/Refuse", [1])
      _ = try? await client.unary("/t/Unknown", [1])
      // A call whose time is over before it leaves is none to the server: the next one has more.
      for timeout: Int64 in [50, 500, 5000] where listener.calls.count < 3 {
        _ = try? await client.unary(
          "/t/Hang", [], options: CallOptions(timeout: .milliseconds(timeout)))
        try await Task.sleep(for: .milliseconds(100))
      }
      let calls = try await listener.calls(3)
      #expect(calls[0].status == .notFound && calls[0].isKnownMethod)
      #expect(calls[0].responseMessages == 0)
      #expect(calls[1].path == "/t/Unknown" && !calls[1].isKnownMethod)
      #expect(calls[1].status == .unimplemented && calls[1].httpStatus == 200)
      #expect(calls[2].path == "/t/Hang")
      // Whose clock is first.
      #expect([.deadlineExceeded, .cancelled].contains(calls[2].status))
      #expect(calls[2].duration > .zero)
    }
  }

  @Test func aCallThatItsClientCancels() async throws {
    try await serve { client, listener in
      // A call that is cancelled before it is sent never was one.
      while listener.calls.isEmpty {
        let task = Task { try await client.unary("/t/Hang", [7]) }
        try await Task.sleep(for: .milliseconds(100))
        task.cancel()
        _ = try? await task.value
        try await Task.sleep(for: .milliseconds(100))
      }
      let call = listener.calls[0]
      #expect(call.status == .cancelled && call.responseMessages == 0)
    }
  }

  // MARK: Frame by frame

  private func connection(_ listener: Listener) -> TestConnection {
    TestConnection(Self.methods, observer: listener)
  }

  private func message(_ bytes: [UInt8]) -> ReceivedMessage {
    ReceivedMessage(bytes: bytes, isCompressed: false)
  }

  @Test func requestsThatAreNoGRPC() {
    let listener = Listener()
    let connection = connection(listener)
    connection.write(
      TestConnection.headers("/t/Echo", stream: 1, method: "GET")
        + TestConnection.headers("/t/Echo", stream: 3, contentType: "application/json"))
    connection.write(TestConnection.frame(3, stream: 1, [0, 0, 0, 8]))
    connection.close()
    #expect(Set(listener.calls.map(\.httpStatus)) == [405, 415])
    #expect(listener.calls.allSatisfy { $0.status == .unknown && !$0.isKnownMethod })
  }

  @Test func aDeadlineAndAReset() {
    let listener = Listener()
    let connection = connection(listener)
    connection.write(TestConnection.headers("/t/Collect", stream: 1, [("grpc-timeout", "1S")]))
    connection.loop.advanceTime(by: .seconds(2))
    connection.write(TestConnection.headers("/t/Collect", stream: 3))
    connection.write(TestConnection.data([message([1, 2])], stream: 3, isLast: false))
    connection.write(TestConnection.frame(3, stream: 3, [0, 0, 0, 8]))
    #expect(listener.calls.map(\.status) == [.deadlineExceeded, .cancelled])
    #expect(listener.calls[0].duration == .seconds(1))
    #expect(listener.calls[1].requestMessages == 1 && listener.calls[1].requestBytes == 2)
    #expect(listener.calls[1].httpStatus == 0)
  }

  @Test func aConnectionThatIsLost() {
    let listener = Listener()
    let connection = connection(listener)
    connection.write(TestConnection.headers("/t/Collect", stream: 1))
    #expect(listener.calls.isEmpty)
    connection.close()
    #expect(listener.calls.map(\.status) == [.cancelled])
  }

  /// The message is complete in one DATA frame and cut by the window after it.
  @Test func aMessageThatIsNotReadIsNotCounted() {
    let listener = Listener()
    let connection = connection(listener)
    let large = [UInt8](repeating: 7, count: 100_000)
    connection.write(
      TestConnection.headers("/t/Echo", stream: 1)
        + TestConnection.data([message(large)], stream: 1))
    connection.write(TestConnection.frame(3, stream: 1, [0, 0, 0, 8]))
    #expect(listener.calls.map(\.status) == [.cancelled])
    #expect(listener.calls[0].requestBytes == 100_000)
    #expect(listener.calls[0].responseMessages == 0)
  }
}
