import Logging
import NIOCore
import Testing

@testable import GRPC

/// Mistakes of who builds a server end the program, and say what they are.
@Suite struct MistakeTests {
  private static func text(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }

  @Test func aServerHasEventLoops() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = GRPCServer(
        methods: [], eventLoops: 0, logger: Logger(label: "") { _ in SwiftLogNoOpLogHandler() })
    }
    #expect(Self.text(result).contains("a server needs at least one"))
  }

  @Test func aPathHasOneMethod() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let method = RPCMethod.unary("/t/Twice") { request, _ throws(RPCError) in request }
      _ = GRPCServer(
        methods: [method, method], eventLoops: 1,
        logger: Logger(label: "") { _ in SwiftLogNoOpLogHandler() })
    }
    #expect(Self.text(result).contains("/t/Twice is registered twice"))
  }

  @Test func limitsHaveRanges() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      var limits = ServerLimits()
      limits.headerListSize = -1
      _ = GRPCServer(
        methods: [], eventLoops: 1, limits: limits,
        logger: Logger(label: "") { _ in SwiftLogNoOpLogHandler() })
    }
    #expect(Self.text(result).contains("ServerLimits.headerListSize is -1"))
  }

  @Test func timesAreNotNegative() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      var limits = ServerLimits()
      limits.keepalive.maxAge = .seconds(-1)
      limits.check()
    }
    #expect(Self.text(result).contains("ServerLimits.keepalive.maxAge is negative"))
  }

  private final class Sending: ServerCallHandler, MessageSource {
    let call: ServerCall

    init(call: ServerCall) { self.call = call }

    func receive(_ request: [UInt8]) { call.stream(from: self) }
    func fill(_ buffer: inout SendBuffer, target: Int) { call.send([1]) }
  }

  @Test func aSourceDoesNotSend() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let connection = TestConnection([.oneRequest("/t/Sending") { Sending(call: $0) }])
      connection.write(
        TestConnection.headers("/t/Sending", stream: 1)
          + TestConnection.data([ReceivedMessage(bytes: [], isCompressed: false)], stream: 1))
    }
    #expect(Self.text(result).contains("/t/Sending: a MessageSource appends to the buffer"))
  }

  // MARK: Limits

  /// The numbers among the limits, and what they may be.
  private static let ranges:
    [(path: any WritableKeyPath<ServerLimits, Int> & Sendable, range: ClosedRange<Int>)] =
      [
        (\.connections, 1...(.max)), (\.messageSize, 0...4_294_967_295),
        (\.headerListSize, 0...4_294_967_295), (\.concurrentStreams, 1...4_294_967_295),
        (\.streamWindow, 1...2_147_483_647), (\.connectionWindow, 1...2_147_483_647),
        (\.requestBytes, 0...(1 << 62 - 1)), (\.metadataBytes, 0...(1 << 62 - 1)),
        (\.answerBytes, 0...(1 << 62 - 1)), (\.totalAnswerBytes, 0...(1 << 62 - 1)),
        (\.totalRequestBytes, 0...(1 << 62 - 1)), (\.controlFrameBurst, 1...2_147_483_647),
        (\.controlFramesPerSecond, 0...2_147_483_647),
      ]

  @Test(arguments: 0..<13) func numbersHaveEnds(index: Int) async {
    let (path, range) = Self.ranges[index]
    for value in [range.lowerBound, range.upperBound] {
      var limits = ServerLimits()
      limits[keyPath: path] = value
      // Ends the program where it is out of range.
      limits.check()
    }
    await #expect(processExitsWith: .failure) { [index] in
      let (path, range) = MistakeTests.ranges[index]
      var limits = ServerLimits()
      limits[keyPath: path] = range.lowerBound - 1
      limits.check()
    }
    guard range.upperBound < .max else { return }
    await #expect(processExitsWith: .failure) { [index] in
      let (path, range) = MistakeTests.ranges[index]
      var limits = ServerLimits()
      limits[keyPath: path] = range.upperBound + 1
      limits.check()
    }
  }

  private static let times: [@Sendable (inout ServerLimits, TimeAmount) -> Void] = [
    { $0.handshakeTimeout = $1 }, { $0.firstCallTimeout = $1 }, { $0.sendTimeout = $1 },
    { $0.keepalive.time = $1 }, { $0.keepalive.timeout = $1 },
    { $0.keepalive.minimumPingInterval = $1 }, { $0.keepalive.maxIdle = $1 },
    { $0.keepalive.maxAge = $1 }, { $0.keepalive.maxAgeGrace = $1 },
  ]

  @Test(arguments: 0..<9) func timesBeginAtZero(index: Int) async {
    var limits = ServerLimits()
    Self.times[index](&limits, .zero)
    limits.check()
    await #expect(processExitsWith: .failure) { [index] in
      var limits = ServerLimits()
      MistakeTests.times[index](&limits, .nanoseconds(-1))
      limits.check()
    }
  }
}
