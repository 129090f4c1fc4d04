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
}
