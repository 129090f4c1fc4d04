import Testing

@testable import GRPC

/// What takes long to inflate or to compress happens elsewhere, one message at a time, in order.
@Suite struct GzipBudgetTests {
  /// What the handlers of a test have heard.
  private final class Heard {
    var requests: [[UInt8]] = []
    var areCompressed: [Bool] = []
    var hasEnded = false
    var cancellation: RPCError?
  }

  private final class Listener: ServerCallHandler {
    let heard: Heard
    let call: ServerCall

    init(_ call: ServerCall, _ heard: Heard) {
      self.call = call
      self.heard = heard
    }

    func receive(_ request: [UInt8]) {
      heard.requests.append(request)
      heard.areCompressed.append(call.isRequestCompressed)
    }
    func requestsEnded() {
      heard.hasEnded = true
      call.respond([1])
    }
    func cancelled(_ reason: RPCError) { heard.cancellation = reason }
  }

  private func connection(_ heard: Heard) -> TestConnection {
    nonisolated(unsafe) let heard = heard
    return TestConnection([
      .requestStream("/t/Listen") { Listener($0, heard) },
      .oneRequest("/t/One") { Listener($0, heard) },
      .unary("/t/Ping") { request, _ throws(RPCError) in request },
      .unary("/t/Gzip") { request, call throws(RPCError) in
        call.compressionThreshold = 100
        return [UInt8](repeating: request[0], count: 100_000 * Int(request[0]))
      },
      .oneRequest("/t/Mixed") { Mixed(call: $0) },
    ])
  }

  private final class Mixed: ServerCallHandler {
    let call: ServerCall

    init(call: ServerCall) {
      self.call = call
      call.compressionThreshold = 100
    }

    func receive(_ request: [UInt8]) {
      for count in [1, 300_000, 2, 200, 400_000, 3] {
        call.send([UInt8](repeating: 7, count: count))
      }
      call.finish()
    }
  }

  private let gzip = [("grpc-encoding", "gzip")]
  private let acceptsGzip = [("grpc-accept-encoding", "gzip")]

  private func packed(_ bytes: [UInt8]) -> ReceivedMessage {
    ReceivedMessage(bytes: Gzip.compress(bytes), isCompressed: true)
  }

  @Test func requestsAreInflatedInTurns() throws {
    let heard = Heard()
    let connection = connection(heard)
    let requests = (0..<50).map { [UInt8](repeating: UInt8($0), count: 60_000) }
    connection.write(
      TestConnection.headers("/t/Listen", stream: 1, gzip)
        + TestConnection.data(requests.map(packed), stream: 1)
        + TestConnection.headers("/t/Ping", stream: 3)
        + TestConnection.data([ReceivedMessage(bytes: [5], isCompressed: false)], stream: 3))
    // One is little work. The rest is for later, and nobody else waits for it.
    #expect(heard.requests.count == 1)
    #expect(connection.workWaiting == 1)
    #expect(connection.hasEnded(3))
    #expect(!heard.hasEnded)
    connection.work(times: 60)
    #expect(heard.requests == requests)
    #expect(heard.hasEnded)
    #expect(connection.hasEnded(1))
    #expect(connection.connection.heldRequestBytes == 0)
  }

  @Test func aLargeRequestIsInflatedElsewhere() {
    let heard = Heard()
    let connection = connection(heard)
    let request = [UInt8](repeating: 1, count: 3_000_000)
    for stream: UInt32 in [1, 3] {
      connection.write(
        TestConnection.headers("/t/One", stream: stream, gzip)
          + TestConnection.data([packed(request)], stream: stream))
    }
    #expect(heard.requests.isEmpty)
    // The second waits until the first is through, so that other connections have their turn.
    #expect(connection.workWaiting == 1)
    connection.work()
    #expect(heard.requests == [request])
    #expect(connection.workWaiting == 1)
    connection.work()
    #expect(heard.requests == [request, request])
    #expect(heard.areCompressed == [true, true])
  }

  @Test func otherMessagesKeepTheirPlaces() {
    let heard = Heard()
    let connection = connection(heard)
    let large = [UInt8](repeating: 1, count: 200_000)
    let plain = ReceivedMessage(bytes: [2], isCompressed: false)
    let all = [plain, packed(large), plain, packed([3]), packed(large), plain]
    let bytes =
      TestConnection.headers("/t/Listen", stream: 1, gzip) + TestConnection.data(all, stream: 1)
    for start in stride(from: 0, to: bytes.count, by: 10) {
      connection.write(Array(bytes[start..<min(start + 10, bytes.count)]))
    }
    #expect(heard.requests == [[2]])
    connection.work(times: 3)
    #expect(heard.requests == [[2], large, [2], [3], large, [2]])
    #expect(heard.areCompressed == [false, true, false, true, true, false])
    #expect(heard.hasEnded)
  }

  @Test func aWindowStaysShutMeanwhile() {
    let heard = Heard()
    let connection = connection(heard)
    let large = [UInt8](repeating: 1, count: 200_000)
    let noise = (0..<800_000).map { _ in UInt8.random(in: .min ... .max) }
    connection.write(
      TestConnection.headers("/t/Listen", stream: 1, gzip)
        + TestConnection.data(
          [packed(large), ReceivedMessage(bytes: noise, isCompressed: false)], stream: 1,
          isLast: false))
    func windowUpdates() -> Int { connection.frames().count { $0.type == 8 && $0.stream == 1 } }
    #expect(windowUpdates() == 0)
    connection.work()
    #expect(heard.requests == [large, noise])
    #expect(windowUpdates() == 1)
  }

  @Test(arguments: [false, true])
  func aCallMayEndMeanwhile(byReset: Bool) {
    let heard = Heard()
    let connection = connection(heard)
    let request = packed([UInt8](repeating: 1, count: 200_000))
    connection.write(
      TestConnection.headers("/t/Listen", stream: 1, gzip)
        + TestConnection.data([request, request], stream: 1))
    #expect(connection.workWaiting == 1)
    if byReset {
      connection.write(TestConnection.frame(3, stream: 1, [0, 0, 0, 8]))
    } else {
      connection.close()
    }
    connection.work(times: 3)
    #expect(heard.cancellation?.code == .cancelled)
    #expect(heard.requests.isEmpty)
    #expect(connection.connection.heldRequestBytes == 0)
    #expect(connection.connection.callCount == 0)
  }

  @Test func whatDoesNotInflateEndsItsCall() {
    let heard = Heard()
    let connection = connection(heard)
    var spoiled = Gzip.compress([UInt8](repeating: 1, count: 200_000))
    spoiled[spoiled.count - 6] ^= 1
    connection.write(
      TestConnection.headers("/t/Listen", stream: 1, gzip)
        + TestConnection.data([ReceivedMessage(bytes: spoiled, isCompressed: true)], stream: 1))
    connection.work()
    #expect(heard.cancellation?.code == .internalError)
    let long = packed([UInt8](repeating: 1, count: 5_000_000))
    connection.write(
      TestConnection.headers("/t/Listen", stream: 3, gzip)
        + TestConnection.data([long], stream: 3))
    connection.work()
    #expect(heard.cancellation?.code == .resourceExhausted)
    #expect(heard.requests.isEmpty)
    #expect(connection.hasEnded(1) && connection.hasEnded(3))
  }

  @Test func answersAreCompressedInTurns() throws {
    let connection = connection(Heard())
    for (index, digit) in ([1, 2, 3] as [UInt8]).enumerated() {
      let stream = UInt32(2 * index + 1)
      connection.write(
        TestConnection.headers("/t/Gzip", stream: stream, acceptsGzip)
          + TestConnection.data(
            [ReceivedMessage(bytes: [digit], isCompressed: false)], stream: stream))
    }
    #expect(connection.workWaiting == 1)
    #expect(try connection.messages(of: 1).isEmpty)
    #expect(connection.connection.queuedResponseBytes == 600_015)
    connection.work()
    #expect(connection.hasEnded(1) && !connection.hasEnded(3))
    connection.work(times: 2)
    for digit in 1...3 {
      let messages = try connection.messages(of: UInt32(2 * digit - 1))
      #expect(messages.count == 1)
      #expect(
        try messages[0].content(limit: .max)
          == [UInt8](repeating: UInt8(digit), count: 100_000 * digit))
      #expect(messages[0].isCompressed)
    }
    #expect(connection.connection.queuedResponseBytes == 0)
  }

  @Test func answersKeepTheirPlaces() throws {
    let connection = connection(Heard())
    connection.write(
      TestConnection.headers("/t/Mixed", stream: 1, acceptsGzip)
        + TestConnection.data([ReceivedMessage(bytes: [], isCompressed: false)], stream: 1))
    #expect(try connection.messages(of: 1).map(\.bytes.count) == [1])
    connection.work(times: 3)
    let messages = try connection.messages(of: 1)
    #expect(
      try messages.map { try $0.content(limit: .max).count } == [1, 300_000, 2, 200, 400_000, 3])
    #expect(messages.map(\.isCompressed) == [false, true, false, true, true, false])
    #expect(connection.hasEnded(1))
    #expect(connection.connection.queuedResponseBytes == 0)
  }

  @Test func answersThatNobodyWaitsForAreForgotten() {
    let connection = connection(Heard())
    connection.write(
      TestConnection.headers("/t/Mixed", stream: 1, acceptsGzip)
        + TestConnection.data([ReceivedMessage(bytes: [], isCompressed: false)], stream: 1)
        + TestConnection.frame(3, stream: 1, [0, 0, 0, 8]))
    connection.work(times: 3)
    #expect(connection.connection.queuedResponseBytes == 0)
    #expect(connection.workWaiting == 0)
  }
}
