import GRPC
import GRPCServices

/// One UnaryCall.
final class TestUnary: ServerCallHandler {
  private let call: ServerCall
  private let answers: PacedAnswers

  /// The same for every call to this process.
  private static let serverID = "bridge-host conformance server"

  init(call: ServerCall) {
    self.call = call
    self.answers = PacedAnswers(call, headers: call.echoedHeaders)
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let request = try Grpc_Testing_SimpleRequest(request: bytes)
    try TestService.check(request.hasExpectCompressed ? request.expectCompressed : nil, of: call)
    let trailers = call.echoedTrailers
    if let error = RPCError(request.responseStatus) {
      answers.end(error, trailers: trailers)
      return
    }
    var response = Grpc_Testing_SimpleResponse()
    response.payload = try TestService.payload(request.responseSize)
    if request.fillServerID { response.serverID = Self.serverID }
    answers.add(
      try response.response(),
      compressed: request.hasResponseCompressed ? request.responseCompressed.value : nil)
    answers.end(trailers: trailers)
  }

  func writable() { answers.writable() }
}
