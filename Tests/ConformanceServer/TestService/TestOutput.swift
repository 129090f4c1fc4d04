import GRPC
import GRPCServices
import NIOCore

/// One StreamingOutputCall, FullDuplexCall or HalfDuplexCall.
final class TestOutput: ServerCallHandler {
  private let call: ServerCall
  private let answers: PacedAnswers
  private let answersAtEnd: Bool
  private var kept: [Grpc_Testing_StreamingOutputCallRequest] = []

  /// - Parameter answersAtEnd: Whether to keep requests until the last has come.
  init(call: ServerCall, answersAtEnd: Bool) {
    self.call = call
    self.answers = PacedAnswers(call, headers: call.echoedHeaders)
    self.answersAtEnd = answersAtEnd
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let request = try Grpc_Testing_StreamingOutputCallRequest(request: bytes)
    if answersAtEnd {
      kept.append(request)
    } else {
      try answer(request)
    }
  }

  func requestsEnded() throws(RPCError) {
    for request in kept { try answer(request) }
    answers.end(trailers: call.echoedTrailers)
  }

  func cancelled(_ reason: RPCError) { answers.cancel() }
  func writable() { answers.writable() }

  private func answer(_ request: Grpc_Testing_StreamingOutputCallRequest) throws(RPCError) {
    if let error = RPCError(request.responseStatus) {
      answers.end(error, trailers: call.echoedTrailers)
      return
    }
    for parameters in request.responseParameters {
      var response = Grpc_Testing_StreamingOutputCallResponse()
      response.payload = try TestService.payload(parameters.size)
      answers.add(
        try response.response(), after: .microseconds(Int64(parameters.intervalUs)),
        compressed: parameters.hasCompressed ? parameters.compressed.value : nil)
    }
  }
}
