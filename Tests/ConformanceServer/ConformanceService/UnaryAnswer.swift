import GRPC
import GRPCServices
import NIOCore

/// One Unary, IdempotentUnary or ClientStream call: one answer, after the last request.
final class UnaryAnswer<Request: UnaryDefining, Response: PayloadCarrying>: ServerCallHandler {
  private let call: ServerCall
  private var received: Received
  /// What the first request says.
  private var definition: Wire.UnaryDefinition?
  private var answers: PacedAnswers?

  init(call: ServerCall) {
    self.call = call
    self.received = Received(call)
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let request = try Request(request: bytes)
    received.add(bytes, as: Request.self)
    if definition == nil { definition = request.responseDefinition }
  }

  func requestsEnded() throws(RPCError) {
    let definition = definition ?? Wire.UnaryDefinition()
    let answers = PacedAnswers(call, headers: Metadata(definition.responseHeaders))
    self.answers = answers
    let trailers = Metadata(definition.responseTrailers)
    let pause = TimeAmount.milliseconds(Int64(definition.responseDelayMs))
    if case .error(let error) = definition.response {
      answers.end(
        try RPCError(error, adding: received.everything), trailers: trailers, after: pause)
      return
    }
    var response = Response()
    response.payload.data = definition.responseData
    response.payload.requestInfo = received.everything
    answers.add(try response.response(), after: pause)
    answers.end(trailers: trailers)
  }

  func cancelled(_ reason: RPCError) { answers?.cancel() }
  func writable() { answers?.writable() }
}
