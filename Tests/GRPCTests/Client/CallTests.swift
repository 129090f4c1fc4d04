import NIOCore
import Testing

@testable import GRPC

/// The four kinds of calls against the server of this package.
@Suite(.timeLimit(.minutes(5))) struct CallTests {
  @Test func unaryCallsCarryMessagesAndMetadata() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    var options = CallOptions()
    options.metadata.add("one", for: "X-Echo")
    options.metadata.add("two", for: "x-echo")
    let response = try await client.unary("/test/Echo", bytes("hello"), options: options)
    #expect(text(response.message) == "hello")
    #expect(response.metadata.values(for: "x-echo") == ["one", "two"])
    let empty = try await client.unary("/test/Echo", [])
    #expect(empty.message == [])
    await client.shutDown()
  }

  @Test func trailersCarryBinaryMetadata() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    var options = CallOptions()
    options.metadata.add([1, 2, 0, 255], for: "x-echo-bin")
    options.metadata.add([], for: "x-echo-bin")
    let response = try await client.unary("/test/Trailers", bytes("x"), options: options)
    #expect(try response.trailers.binaryValues(for: "x-echo-bin") == [[1, 2, 0, 255], []])
    let stream = client.serverStream("/test/Trailers", bytes("x"), options: options)
    #expect(
      try await stream.trailers.binaryValues(for: "x-echo-bin") == [[1, 2, 0, 255], []])
  }

  @Test func statusesComeWithTextDetailsAndTrailers() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Fail", bytes("50% größer\nthan"))
    }
    #expect(error.code == .dataLoss)
    #expect(error.message == "50% größer\nthan")
    #expect(error.details == [1, 2, 3])
    #expect(error.metadata["x-reason"] == "because")
    #expect(try error.metadata.binaryValues(for: "x-reason-bin") == [[0, 255]])
    let unknown = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/None", [])
    }
    #expect(unknown.code == .unimplemented)
  }

  @Test func errorsCarryTheHeadersThatCameBeforeThem() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let unary = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/FailAfterHeaders", bytes("no"))
    }
    #expect(unary.message == "no")
    #expect(unary.headers["x-header"] == "first")

    let call = client.clientStream("/test/FailTheSecond")
    await call.requests.send([])
    // Known before the call has ended.
    #expect(try await call.metadata["x-header"] == "first")
    await call.requests.send([])
    let streamed = try await failure { () async throws(RPCError) in _ = try await call.response() }
    #expect(streamed.code == .aborted)
    #expect(streamed.headers["x-header"] == "first")

    let stream = client.serverStream("/test/FailAfterHeaders", [])
    let last = try await failure { () async throws(RPCError) in for try await _ in stream {} }
    #expect(last.headers["x-header"] == "first")

    // An error without anything before it has none, whatever its trailers are.
    let plain = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Fail", [])
    }
    #expect(plain.headers.isEmpty)
    #expect(!plain.metadata.isEmpty)
  }

  @Test func serverStreamsEndAfterTheirLastMessage() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    var count = 0
    for try await message in client.serverStream("/test/Produce", bytes("10000 100")) {
      #expect(message.count == 100)
      count += 1
    }
    #expect(count == 10_000)
    for try await _ in client.serverStream("/test/Produce", bytes("0 0")) {
      Issue.record("there is no message")
    }
  }

  @Test func clientStreamsAreCollected() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let call = client.clientStream("/test/Collect")
    for _ in 0..<1000 { #expect(await call.requests.send([UInt8](repeating: 1, count: 5000))) }
    call.requests.finish()
    #expect(text(try await call.response().message) == "1000 5000000")
    let empty = client.clientStream("/test/Collect")
    empty.requests.finish()
    #expect(text(try await empty.response().message) == "0 0")
  }

  @Test func aResponseBeforeTheLastRequestEndsTheSending() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let call = client.clientStream("/test/Collect")
    await call.requests.send(bytes("enough"))
    #expect(text(try await call.response().message) == "1 6")
    #expect(await call.requests.send(bytes("more")) == false)
  }

  @Test func bidirectionalCallsAlternate() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let call = client.bidirectional("/test/Each")
    #expect(try await call.responses.metadata.isEmpty)
    let responses = call.responses.makeAsyncIterator()
    for number in 0..<200 {
      #expect(await call.requests.send(bytes("\(number)")))
      #expect(try await responses.next().map(text) == "\(number)")
    }
    call.requests.finish()
    #expect(try await responses.next() == nil)
    #expect(try await responses.next() == nil)
  }

  @Test func messagesBeforeAnErrorAreDelivered() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let call = client.bidirectional("/test/Each")
    for request in ["a", "b", "fail"] { await call.requests.send(bytes(request)) }
    let responses = call.responses.makeAsyncIterator()
    #expect(try await responses.next().map(text) == "a")
    #expect(try await responses.next().map(text) == "b")
    let error = try await failure { () async throws(RPCError) in _ = try await responses.next() }
    #expect(error.code == .aborted)
    #expect(error.message == "as told")
  }

  /// Messages many times larger than any window, both ways.
  @Test func largeMessagesPassSmallWindows() async throws {
    var limits = ServerLimits()
    limits.messageSize = 64 * 1024 * 1024
    limits.streamWindow = 65_535
    let service = try TestService(limits: limits)
    var configuration = ClientConfiguration()
    configuration.messageSize = 64 * 1024 * 1024
    configuration.streamWindow = 65_535
    configuration.connectionWindow = 65_535
    let client = GRPCClient(target: service.target, configuration: configuration)
    let large = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(try await client.unary("/test/Echo", large).message == large)

    let call = client.bidirectional("/test/Each")
    async let sent: Void = {
      for _ in 0..<3 { await call.requests.send(large) }
      call.requests.finish()
    }()
    var count = 0
    for try await message in call.responses {
      #expect(message == large)
      count += 1
    }
    await sent
    #expect(count == 3)
  }

  @Test func messagesOverTheLimitAreRefused() async throws {
    let service = try TestService()
    var configuration = ClientConfiguration()
    configuration.messageSize = 1000
    let client = GRPCClient(target: service.target, configuration: configuration)
    #expect(
      try await client.unary("/test/Echo", [UInt8](repeating: 0, count: 1000)).message.count
        == 1000)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Echo", [UInt8](repeating: 0, count: 1001))
    }
    #expect(error.code == .resourceExhausted)
  }

  @Test func calls1000AtOnce() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    try await expectEchoes(1000, client)
  }

  /// With ten streams at a time, the others wait for their turn.
  @Test func callsBeyondTheServersLimitWait() async throws {
    var limits = ServerLimits()
    limits.concurrentStreams = 10
    let service = try TestService(limits: limits)
    let client = GRPCClient(target: service.target)
    try await expectEchoes(1000, client)
  }

  private func expectEchoes(_ count: Int, _ client: GRPCClient) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<count {
        group.addTask {
          let request = bytes("request \(number)")
          return try await client.unary("/test/Echo", request).message == request
        }
      }
      for try await isEcho in group { #expect(isEcho) }
    }
  }

  /// A reader that does not read stops the server, and nobody else.
  @Test func unreadResponsesHoldUpTheirServer() async throws {
    let service = try TestService()
    var configuration = ClientConfiguration()
    configuration.streamWindow = 128 * 1024
    configuration.connectionWindow = 256 * 1024
    let client = GRPCClient(target: service.target, configuration: configuration)
    let streams = (0..<4).map { _ in
      client.serverStream("/test/Produce", bytes("10000 1000"))
    }
    try await eventually { service.seen.withLock { $0.produced } >= 4 }
    for stream in streams { _ = try await stream.metadata }
    // All four windows are full, and the connection still carries calls.
    let response = try await client.unary("/test/Echo", bytes("free"))
    #expect(text(response.message) == "free")
    try await Task.sleep(for: .milliseconds(200))
    // What the server may have sent is a window a stream; the rest waits in its own buffers.
    let bound = 4 * (128 * 1024 + SendQuota.limit) / 1000 + 8
    #expect(service.seen.withLock { $0.produced } <= bound)
    for stream in streams {
      var count = 0
      for try await message in stream {
        #expect(message.count == 1000)
        count += 1
      }
      #expect(count == 10_000)
    }
  }

  @Test(arguments: [
    ("grpc-mine", "x"), ("te", "x"), ("a b", "x"), ("", "x"), (":path", "x"), ("x-text", "ä"),
    ("x-text", "a\nb"),
  ])
  func metadataThatCannotTravelIsRefused(key: String, value: String) async throws {
    let client = GRPCClient(target: .tcp(host: "127.0.0.1", port: 1))
    var options = CallOptions()
    options.metadata.add(value, for: key)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Echo", [], options: options)
    }
    #expect(error.code == .invalidArgument)
  }

  @Test func metadataThatIsTooLargeIsRefused() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    var options = CallOptions()
    options.metadata.add(String(repeating: "x", count: 59_000), for: "x-echo")
    let error = try await failure { () async throws(RPCError) in
      // The server takes it; the client's own limit stands in the way of the echo.
      options.metadata.add(String(repeating: "y", count: 3_000), for: "x-other")
      _ = try await client.unary("/test/Echo", [], options: options)
    }
    #expect(error.code == .resourceExhausted)
  }
}
