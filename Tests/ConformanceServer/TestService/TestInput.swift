import GRPC
import GRPCServices

/// One StreamingInputCall.
final class TestInput: ServerCallHandler {
  private let call: ServerCall
  private let answers: PacedAnswers
  private var size = 0

  init(call: ServerCall) {
    self.call = call
    self.answers = PacedAnswers(call, headers: call.echoedHeaders)
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let request = try Grpc_Testing_StreamingInputCallRequest(request: bytes)
    try TestService.check(request.hasExpectCompressed ? request.expectCompressed : nil, of: call)
    size += request.payload.body.count
  }

  func requestsEnded() throws(RPCError) {
    let response = Grpc_Testing_StreamingInputCallResponse.with {
      $0.aggregatedPayloadSize = Int32(clamping: size)
    }
    answers.add(try response.response())
    answers.end(trailers: call.echoedTrailers)
  }
}
