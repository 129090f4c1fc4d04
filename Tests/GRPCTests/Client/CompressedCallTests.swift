import NIOCore
import Testing

@testable import GRPC

/// Requests and responses in gzip.
@Suite(.timeLimit(.minutes(5))) struct CompressedCallTests {
  private let long = [UInt8](repeating: 3, count: 100_000)

  /// A server that compresses what is worth it.
  private func compressingService() throws -> TestService {
    var limits = ServerLimits()
    limits.compressionThreshold = 100
    return try TestService(limits: limits)
  }

  @Test func responsesAreInflated() async throws {
    let service = try compressingService()
    let client = GRPCClient(target: service.target)
    for request in [long, [], bytes("short")] {
      #expect(try await client.unary("/test/Echo", request).message == request)
    }
    let call = client.bidirectional("/test/Each")
    let responses = call.responses.makeAsyncIterator()
    for request in [long, [], long, bytes("short")] {
      await call.requests.send(request)
      #expect(try await responses.next() == request)
    }
    call.requests.finish()
    #expect(try await responses.next() == nil)
  }

  /// Far more than the windows hold, on the stream and inflated.
  @Test func longStreamsAreInflatedAsTheyAreRead() async throws {
    let service = try compressingService()
    var configuration = ClientConfiguration()
    configuration.streamWindow = 65_535
    let client = GRPCClient(target: service.target, configuration: configuration)
    var count = 0
    for try await message in client.serverStream("/test/Produce", bytes("5000 50000")) {
      #expect(message == [UInt8](repeating: 7, count: 50_000))
      count += 1
    }
    #expect(count == 5000)
  }

  /// A message that is small on the wire may be large all the same.
  @Test func inflatingStopsAtTheLimit() async throws {
    let service = try compressingService()
    var configuration = ClientConfiguration()
    configuration.messageSize = 10_000
    let client = GRPCClient(target: service.target, configuration: configuration)
    let unary = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Produce", bytes("1 10001"))
    }
    #expect(unary.code == .resourceExhausted)
    #expect(try await client.unary("/test/Produce", bytes("1 10000")).message.count == 10_000)

    let stream = client.serverStream("/test/Produce", bytes("1000000 10001"))
    let responses = stream.makeAsyncIterator()
    // It stays the end of the call, and the server hears of it.
    for _ in 0..<3 {
      let error = try await failure { () async throws(RPCError) in _ = try await responses.next() }
      #expect(error.code == .resourceExhausted)
      #expect(error.message.contains("inflates to more than the limit of 10000 bytes"))
    }
    let ending = try await failure { () async throws(RPCError) in _ = try await stream.trailers }
    #expect(ending.code == .resourceExhausted)
    try await eventually { service.seen.withLock { $0.cancellations } == 1 }
  }

  @Test func requestsAreCompressedWhenTheOptionsSaySo() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    func isCompressed(_ request: [UInt8], from threshold: Int?) async throws -> String {
      let options = CallOptions(compressionThreshold: threshold)
      return text(try await client.unary("/test/IsCompressed", request, options: options).message)
    }
    #expect(try await isCompressed(long, from: nil) == "false")
    #expect(try await isCompressed(long, from: 100) == "true")
    #expect(try await isCompressed(long, from: 100_001) == "false")
    #expect(try await isCompressed(bytes("x"), from: 100) == "false")
    // Not when that makes it longer.
    #expect(try await isCompressed(bytes("x"), from: 0) == "false")
    let options = CallOptions(compressionThreshold: 0)
    #expect(try await client.unary("/test/Echo", long, options: options).message == long)
  }

  @Test func eachRequestOfAStreamMayDiffer() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    for (threshold, expected) in [
      (nil, ["false", "false", "false", "false"]), (1000, ["true", "false", "false", "true"]),
    ] as [(Int?, [String])] {
      let call = client.bidirectional(
        "/test/AreCompressed", options: CallOptions(compressionThreshold: threshold))
      await call.requests.send(long)
      await call.requests.send(bytes("x"))
      await call.requests.send(long, compressed: false)
      await call.requests.send(bytes("x"), compressed: true)
      call.requests.finish()
      var answers: [String] = []
      for try await answer in call.responses { answers.append(text(answer)) }
      #expect(answers == expected)
    }
  }

  /// The quota of requests counts what is sent: if it lost count, the writer would wait for ever.
  @Test func manyCompressedRequestsFindRoom() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let call = client.clientStream(
      "/test/Collect", options: CallOptions(compressionThreshold: 0))
    let noise = (0..<100_000).map { _ in UInt8.random(in: .min ... .max) }
    for _ in 0..<30 {
      #expect(await call.requests.send(long))
      // Forced, it grows.
      #expect(await call.requests.send(noise, compressed: true))
    }
    call.requests.finish()
    #expect(text(try await call.response().message) == "60 6000000")
  }

  @Test func compressedRequestsAreSentAgain() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let retries = RetryPolicy(
      maxAttempts: 3,
      backoff: Backoff(initial: .milliseconds(1), maximum: .milliseconds(5), multiplier: 2))
    let call = client.clientStream(
      "/test/FlakyCollect", options: CallOptions(retries: retries, compressionThreshold: 0))
    for _ in 0..<5 { await call.requests.send(long) }
    call.requests.finish()
    #expect(text(try await call.response().message) == "5 500000")
  }
}
