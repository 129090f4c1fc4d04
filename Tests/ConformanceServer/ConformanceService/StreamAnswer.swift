import GRPC
import GRPCServices
import NIOCore

/// One ServerStream or BidiStream call.
///
/// Half duplex answers when all requests are there, full duplex each request with the next
/// response; a request for which no response is left ends the call.
final class StreamAnswer<Request: StreamDefining, Response: PayloadCarrying>: ServerCallHandler {
  private let call: ServerCall
  private var received: Received
  private var answers: PacedAnswers?
  private var isFullDuplex = false
  /// What the first request says, without the responses that are on their way.
  private var definition = Wire.StreamDefinition()
  private var hasAnswered = false

  init(call: ServerCall) {
    self.call = call
    self.received = Received(call)
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let request = try Request(request: bytes)
    received.add(bytes, as: Request.self)
    if answers == nil { begin(request) }
    guard isFullDuplex else { return }
    if definition.responseData.isEmpty {
      try end()
    } else {
      try answer(hasAnswered ? received.lastRequest : received.everything)
    }
  }

  func requestsEnded() throws(RPCError) {
    while !definition.responseData.isEmpty {
      try answer(hasAnswered ? nil : received.everything)
    }
    try end()
  }

  func cancelled(_ reason: RPCError) { answers?.cancel() }
  func writable() { answers?.writable() }

  private func begin(_ request: Request) {
    definition = request.responseDefinition
    isFullDuplex = request.fullDuplex
    let answers = PacedAnswers(call, headers: Metadata(definition.responseHeaders))
    answers.start()
    self.answers = answers
  }

  private func answer(_ info: Wire.RequestInfo?) throws(RPCError) {
    hasAnswered = true
    var response = Response()
    response.payload.data = definition.responseData.removeFirst()
    if let info { response.payload.requestInfo = info }
    answers?.add(
      try response.response(), after: .milliseconds(Int64(definition.responseDelayMs)))
  }

  private func end() throws(RPCError) {
    let answers = self.answers ?? PacedAnswers(call)
    var error: RPCError?
    if definition.hasError {
      error = try RPCError(definition.error, adding: hasAnswered ? nil : received.everything)
    }
    answers.end(error, trailers: Metadata(definition.responseTrailers))
  }
}
