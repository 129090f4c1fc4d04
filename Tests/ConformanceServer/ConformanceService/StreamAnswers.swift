import ConformanceSupport
import GRPC
import GRPCProtobuf

/// The answers of one ServerStream or BidiStream call.
///
/// Half duplex answers when all requests are there, full duplex each request with the next
/// response; a request for which no response is left ends the call.
struct StreamAnswers<Response: PayloadCarrying> {
  private let call: CallContext
  private let responses: ResponseMessageWriter<Response>
  private var received: Received
  private var hasBegun = false
  private var isFullDuplex = false
  /// What the first request says, without the responses that are sent.
  private var definition = Wire.StreamDefinition()
  private var hasAnswered = false

  init(_ call: CallContext, _ responses: ResponseMessageWriter<Response>) {
    self.call = call
    self.responses = responses
    received = Received(call)
  }

  /// - Returns: Whether to go on with requests.
  @discardableResult
  mutating func take(_ request: some StreamDefining) async throws -> Bool {
    try received.add(request)
    if !hasBegun {
      hasBegun = true
      definition = request.responseDefinition
      isFullDuplex = request.fullDuplex
      try call.setTrailers(Metadata(definition.responseTrailers))
      try call.start(metadata: Metadata(definition.responseHeaders))
    }
    guard isFullDuplex else { return true }
    if definition.responseData.isEmpty { return false }
    try await answer(hasAnswered ? received.lastRequest : received.everything)
    return true
  }

  /// Sends what is left, and throws the error that was asked for.
  mutating func end() async throws {
    while !definition.responseData.isEmpty {
      try await answer(hasAnswered ? nil : received.everything)
    }
    if definition.hasError {
      throw try RPCError(definition.error, adding: hasAnswered ? nil : received.everything)
    }
  }

  private mutating func answer(_ info: Wire.RequestInfo?) async throws {
    hasAnswered = true
    var response = Response()
    response.payload.data = definition.responseData.removeFirst()
    if let info { response.payload.requestInfo = info }
    try await Task.sleep(for: .milliseconds(definition.responseDelayMs))
    try await responses.send(response)
  }
}
