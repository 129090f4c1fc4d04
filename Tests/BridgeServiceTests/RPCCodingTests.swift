import BridgeProtocol
import BridgeSessions
import BridgeTools
import GRPC
import GRPCProtobuf
import SwiftProtobuf
import Testing

@testable import BridgeService

@Suite struct RPCCodingTests {
  /// Status and reason of each error of sessions: clients depend on both.
  private static let table: [(SessionError.Code, StatusCode, ErrorReason)] = [
    (.sessionNotFound, .notFound, .sessionNotFound),
    (.elsewhere, .unavailable, .sessionElsewhere),
    (.variableNotFound, .notFound, .variableNotFound),
    (.alreadyExists, .alreadyExists, .alreadyExists),
    (.invalidValue, .invalidArgument, .invalidValue),
    (.invalidArgument, .invalidArgument, .invalidArgument),
    (.versionMismatch, .aborted, .versionMismatch),
    (.limitReached, .resourceExhausted, .limitReached),
    (.tooOld, .outOfRange, .revisionTooOld),
    (.wrongEpoch, .failedPrecondition, .wrongEpoch),
    (.failedPrecondition, .failedPrecondition, .failedPrecondition),
    (.permissionDenied, .permissionDenied, .permissionDenied),
    (.storageUnavailable, .unavailable, .storageUnavailable),
    (.unsupported, .unimplemented, .unsupported),
  ]

  @Test(arguments: table)
  func errorsOfSessionsHaveTheirStatus(
    code: SessionError.Code, status: StatusCode, reason: ErrorReason
  ) throws {
    let error = RPCError(SessionError(code, "what is wrong", details: ["fact": "7"]))
    #expect(error.code == status)
    #expect(error.message == "what is wrong")
    let info = try #require(error.details(as: Google_Rpc_ErrorInfo.self).first)
    #expect(info.reason == reason.rawValue)
    #expect(info.domain == "bridge-host")
    #expect(info.metadata == ["fact": "7"])
  }

  @Test func aStatusIsLeftAsItIs() throws {
    let own = RPCError(.unavailable, "later", reason: .shuttingDown)
    let mapped = #expect(throws: RPCError.self) { try mappingErrors { throw own } }
    #expect(mapped?.code == own.code)
    #expect(mapped?.message == own.message)
    #expect(mapped?.details == own.details)
  }

  @Test func whatNobodyExpectedIsInternal() throws {
    struct Surprise: Error, CustomStringConvertible { let description = "surprise" }
    let error = #expect(throws: RPCError.self) { try mappingErrors { throw Surprise() } }
    #expect(error?.code == .internalError)
    #expect(error?.message == "surprise")
    #expect(error?.details(as: Google_Rpc_ErrorInfo.self).first?.reason == "INTERNAL")
  }

  @Test func longTextsAreCutSoThatTheyFitIntoTrailers() throws {
    let long = String(repeating: "x", count: 5000)
    let error = RPCError(SessionError(.invalidValue, long, details: ["fact": long]))
    #expect(error.message.utf8.count < 1100)
    let info = try #require(error.details(as: Google_Rpc_ErrorInfo.self).first)
    #expect(info.metadata["fact"]!.utf8.count < 300)
    #expect(error.details.count < 3000)
  }

  @Test func shorteningKeepsWhatFits() {
    #expect("12345".shortened(to: 5) == "12345")
    #expect("123456".shortened(to: 5) == "12345…")
  }

  @Test(arguments: [
    (StatusCode.unauthenticated, "UNAUTHENTICATED"), (.unimplemented, "UNIMPLEMENTED"),
    (.internalError, "INTERNAL"), (.resourceExhausted, "LIMIT_REACHED"),
  ])
  func errorsOfOthersAreExplainedByTheirStatus(code: StatusCode, reason: String) throws {
    var error = RPCError(code, "why")
    error.details = BridgeService.errorDetails(of: error)
    let info = try #require(error.details(as: Google_Rpc_ErrorInfo.self).first)
    #expect((info.reason, info.domain) == (reason, "bridge-host"))
  }

  @Test func whatMayPassSaysWhenToTryAgain() throws {
    func delay(_ error: RPCError) -> Int64? {
      let hints = error.details(as: Google_Rpc_RetryInfo.self)
      #expect(hints.count <= 1)
      return hints.first.map {
        $0.retryDelay.seconds * 1000 + Int64($0.retryDelay.nanos) / 1_000_000
      }
    }
    let transient: [RPCError] = [
      RPCError(SessionError(.limitReached, "", isTransient: true)),
      RPCError(SessionError(.storageUnavailable, "", isTransient: true)),
      RPCError(ToolsError(.limitReached, "", isTransient: true)),
      ToolFailure(code: 8, message: "", type: "t", isRetryable: true).rpcError,
      ToolFailure(code: 14, message: "", type: "t", isRetryable: true).rpcError,
    ]
    for error in transient {
      let delay = try #require(delay(error))
      #expect((500..<1500).contains(delay))
      #expect(error.isTransient)
      // Others than the bridge have their details made from what they say.
      let own = RPCError(error.code, "", isTransient: true)
      let made = RPCError(own.code, "", details: BridgeService.errorDetails(of: own))
      #expect(made.details(as: Google_Rpc_RetryInfo.self).count == 1)
    }
    let lasting: [RPCError] = [
      RPCError(SessionError(.limitReached, "")), RPCError(ToolsError(.limitReached, "")),
      RPCError(SessionError(.versionMismatch, "", isTransient: true)),
      ToolFailure(code: 8, message: "", type: "t").rpcError,
      ToolFailure(code: 10, message: "", type: "t", isRetryable: true).rpcError,
    ]
    for error in lasting { #expect(delay(error) == nil) }
    let own = RPCError(.resourceExhausted, "")
    let made = RPCError(own.code, "", details: BridgeService.errorDetails(of: own))
    #expect(delay(made) == nil)
  }

  @Test(arguments: [(256, 1024), (257, 1025)])
  func textsAreCutAtTheirLimits(fact: Int, message: Int) throws {
    let isCut = fact > 256
    let error = RPCError(
      SessionError(
        .invalidValue, String(repeating: "m", count: message),
        details: ["fact": String(repeating: "f", count: fact)]))
    #expect(error.message == String(repeating: "m", count: 1024) + (isCut ? "…" : ""))
    let info = try #require(error.details(as: Google_Rpc_ErrorInfo.self).first)
    #expect(info.metadata["fact"] == String(repeating: "f", count: 256) + (isCut ? "…" : ""))
  }
}
