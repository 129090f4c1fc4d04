import NIOCore
import Testing

@testable import GRPC

/// What a connection has before its client has shown who it is.
@Suite struct AuthenticationTests {
  private struct Token: CallAdmission {
    var asksForCredentials: Bool { true }
    func isExempt(_ call: ArrivingCall) -> Bool { call.path == "/t/Free" }
    func admit(_ call: ArrivingCall) throws(RPCError) {
      if isExempt(call) || !call.values(of: "authorization").isEmpty { return }
      throw RPCError(.unauthenticated, "who?")
    }
  }

  private final class Silent: ServerCallHandler {
    func receive(_ request: [UInt8]) {}
  }

  private func connection(_ admission: [any CallAdmission] = [Token()]) -> TestConnection {
    TestConnection(
      [
        .unary("/t/Echo") { request, _ throws(RPCError) in request },
        .requestStream("/t/Free") { _ in Silent() },
      ], admission: admission)
  }

  /// The values of a setting in the order they were sent.
  private func values(of setting: UInt16, _ connection: TestConnection) -> [UInt32] {
    connection.frames().filter { $0.type == 4 && $0.flags == 0 }.flatMap { frame in
      stride(from: 0, to: frame.payload.count, by: 6).compactMap { start in
        let entry = frame.payload[start..<start + 6].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return UInt16(entry >> 32) == setting ? UInt32(truncatingIfNeeded: entry) : nil
      }
    }
  }

  private let streams: UInt16 = 3
  private let window: UInt16 = 4

  private func call(_ stream: UInt32, path: String = "/t/Echo", token: Bool, _ size: Int = 1)
    -> [UInt8]
  {
    TestConnection.headers(path, stream: stream, token ? [("authorization", "Bearer x")] : [])
      + TestConnection.data(
        [ReceivedMessage(bytes: [UInt8](repeating: 7, count: size), isCompressed: false)],
        stream: stream)
  }

  @Test func nobodyIsAskedWhereNobodyAsks() {
    let connection = connection([])
    #expect(connection.connection.isAuthenticated)
    #expect(values(of: streams, connection) == [10_000])
  }

  @Test func aStrangerHasLittle() {
    let connection = connection()
    #expect(values(of: streams, connection) == [100])
    #expect(values(of: window, connection) == [65_535])
    connection.write(call(1, token: false) + call(3, path: "/t/Free", token: false))
    #expect(!connection.connection.isAuthenticated)
    #expect(values(of: streams, connection) == [100])
  }

  @Test func aCallWithATokenOpensTheConnection() {
    let connection = connection()
    connection.write(call(1, path: "/t/Free", token: false) + call(3, token: true))
    #expect(connection.connection.isAuthenticated)
    #expect(values(of: streams, connection) == [100, 10_000])
    #expect(values(of: window, connection) == [65_535, 1024 * 1024])
    connection.write(TestConnection.frame(4, flags: 1))
    connection.write(call(5, token: true, 200_000))
    // More than a stranger may send; the answer begins.
    #expect(connection.frames().contains { $0.stream == 5 && $0.type == 0 })
  }

  /// The call that shows who the client is may itself be large.
  @Test func theFirstCallHasTheLimitsOfAClient() {
    let connection = connection()
    var bytes = call(1, token: true, 200_000)
    // As much as the first window allows.
    bytes = Array(bytes.prefix(60_000))
    connection.write(bytes)
    #expect(!connection.hasEnded(1))
  }

  @Test func aStrangerIsSentAwaySoon() {
    let connection = connection()
    connection.write(call(1, token: false))
    connection.loop.advanceTime(by: .seconds(31))
    #expect(connection.frames().contains { $0.type == 7 })
    let known = self.connection()
    known.write(call(1, token: true))
    known.loop.advanceTime(by: .seconds(31))
    #expect(!known.frames().contains { $0.type == 7 })
  }
}
