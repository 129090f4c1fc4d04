import ConformanceSupport
import GRPC
import GRPCProtobuf

/// Calls with one answer, after the last request.
extension ConformanceService {
  static func answer<Request: UnaryDefining, Response: PayloadCarrying>(
    _ request: Request, _ call: CallContext
  ) async throws -> Response {
    var received = Received(call)
    try received.add(request)
    return try await answer(request.responseDefinition, received, call)
  }

  /// - Parameter definition: What the first request says.
  static func answer<Response: PayloadCarrying>(
    _ definition: Wire.UnaryDefinition, _ received: Received, _ call: CallContext
  ) async throws -> Response {
    try call.setTrailers(Metadata(definition.responseTrailers))
    try await Task.sleep(for: .milliseconds(definition.responseDelayMs))
    let headers = Metadata(definition.responseHeaders)
    if case .error(let error) = definition.response {
      // Without headers of its own, an error is Trailers-Only.
      if !headers.isEmpty { try call.start(metadata: headers) }
      throw try RPCError(error, adding: received.everything)
    }
    try call.start(metadata: headers)
    var response = Response()
    response.payload.data = definition.responseData
    response.payload.requestInfo = received.everything
    return response
  }
}
