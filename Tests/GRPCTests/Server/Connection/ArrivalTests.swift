import NIOCore
import Testing

@testable import GRPC

/// What becomes of calls by what their headers say.
@Suite struct ArrivalTests {
  private final class Calls {
    var count = 0
  }

  private final class Counting: ServerCallHandler {
    let calls: Calls
    init(_ calls: Calls) { self.calls = calls }
    func receive(_ request: [UInt8]) { calls.count += 1 }
  }

  private func connection(_ calls: Calls) -> TestConnection {
    nonisolated(unsafe) let calls = calls
    return TestConnection([
      .unary("/t/Write") { request, _ throws(RPCError) in
        calls.count += 1
        return request
      },
      .requestStream("/t/WriteAll") { _ in Counting(calls) },
      .oneRequest("/t/WriteLater") { _ in Counting(calls) },
    ])
  }

  private let one = [ReceivedMessage(bytes: [1], isCompressed: false)]

  private func trailers(_ connection: TestConnection, _ stream: UInt32) -> String {
    connection.frames().filter { $0.stream == stream && $0.type == 1 }
      .map { String(decoding: $0.payload, as: UTF8.self) }.joined()
  }

  @Test(arguments: ["/t/Write", "/t/WriteAll", "/t/WriteLater"], ["0S", "0n"])
  func aDeadlineThatHasPassedLetsNothingBeWritten(path: String, timeout: String) {
    let calls = Calls()
    let connection = connection(calls)
    connection.write(
      TestConnection.headers(path, stream: 1, [("grpc-timeout", timeout)])
        + TestConnection.data(one, stream: 1))
    #expect(calls.count == 0)
    #expect(connection.hasEnded(1))
  }

  /// The request comes after the deadline, and before its timer has run.
  @Test(arguments: ["/t/Write", "/t/WriteAll", "/t/WriteLater"])
  func aDeadlineThatPassesBeforeTheRequestDoesSoToo(path: String) {
    let calls = Calls()
    let connection = connection(calls)
    connection.write(TestConnection.headers(path, stream: 1, [("grpc-timeout", "1S")]))
    #expect(calls.count == 0 && !connection.hasEnded(1))
    connection.write(TestConnection.data(one, stream: 1), after: .seconds(1))
    #expect(calls.count == 0)
    #expect(connection.hasEnded(1))
  }

  @Test(arguments: [
    ("application/grpc", true), ("application/grpc+proto", true),
    ("application/grpc;charset=utf-8", true), ("application/grpc+proto;charset=utf-8", true),
    ("application/grpc+json", false), ("application/grpc+thrift", false),
    ("application/grpc+protobuf", false), ("application/grpc+", false),
    ("application/grpc-web", false), ("application/json", false), ("", false),
  ])
  func otherFormatsAreRefused(contentType: String, isServed: Bool) {
    let calls = Calls()
    let connection = connection(calls)
    connection.write(
      TestConnection.headers("/t/Write", stream: 1, contentType: contentType)
        + TestConnection.data(one, stream: 1))
    #expect(calls.count == (isServed ? 1 : 0))
    #expect(connection.hasEnded(1))
  }
}
