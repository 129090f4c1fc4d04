import BridgeSessions
import GRPC
import Testing

@testable import BridgeCluster
@testable import BridgeService

/// What a tool is told is the same, wherever the session is.
@Suite struct SessionErrorTests {
  private let host = SessionHost(
    GRPCClient(target: .tcp(host: "127.0.0.1", port: 1)), at: .tcp(host: "127.0.0.1", port: 1))

  @Test(arguments: SessionError.Code.allCases) func everyCodeComesBack(code: SessionError.Code) {
    let error = SessionError(code, "what was wrong", details: ["fact": "1"])
    let back = SessionError(RPCError(error), from: host)
    #expect(back.code == code)
    #expect(back.message == "what was wrong")
    #expect(back.details["fact"] == "1")
  }

  @Test(arguments: [
    (StatusCode.unavailable, SessionError.Code.elsewhere),
    (.deadlineExceeded, .elsewhere), (.internalError, .elsewhere),
    (.unauthenticated, .permissionDenied), (.unimplemented, .unsupported),
    (.resourceExhausted, .limitReached), (.invalidArgument, .invalidArgument),
  ])
  func statusesWithoutAReasonNameTheHost(status: StatusCode, code: SessionError.Code) {
    let error = SessionError(RPCError(status, "no"), from: host)
    #expect(error.code == code)
    #expect(error.message.contains("no") || error.message.contains("127.0.0.1:1"))
  }
}
