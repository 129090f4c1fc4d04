import ConformanceSupport
import GRPC
import GRPCProtobuf

/// `connectrpc.conformance.v1.ConformanceService`, for Connect's conformance suite.
enum ConformanceService {
  /// Bytes of the longest request, as the suite expects it of a server.
  static let requestLimit = 204_800

  /// Unimplemented is not among them: the suite looks for what a server answers then.
  static func methods(requestLimit: Int) -> [RPCMethod] {
    let methods: [RPCMethod] = [
      .asyncUnary(
        method("Unary", Wire.UnaryRequest.self, Wire.UnaryResponse.self), answer),
      .asyncUnary(
        method(
          "IdempotentUnary", Wire.IdempotentUnaryRequest.self, Wire.IdempotentUnaryResponse.self),
        answer),
      .clientStream(
        method("ClientStream", Wire.ClientStreamRequest.self, Wire.ClientStreamResponse.self)
      ) { requests, call in
        var received = Received(call)
        var definition: Wire.UnaryDefinition?
        for try await request in requests {
          try received.add(request)
          if definition == nil { definition = request.responseDefinition }
        }
        return try await answer(definition ?? Wire.UnaryDefinition(), received, call)
      },
      .serverStream(
        method("ServerStream", Wire.ServerStreamRequest.self, Wire.ServerStreamResponse.self)
      ) { request, responses, call in
        var answers = StreamAnswers(call, responses)
        try await answers.take(request)
        try await answers.end()
      },
      .bidirectional(
        method("BidiStream", Wire.BidiStreamRequest.self, Wire.BidiStreamResponse.self)
      ) { requests, responses, call in
        var answers = StreamAnswers(call, responses)
        for try await request in requests {
          if try await !answers.take(request) { break }
        }
        try await answers.end()
      },
    ]
    return methods.map { $0.limitingRequests(to: requestLimit) }
  }

  private static func method<Request, Response>(
    _ name: String, _: Request.Type, _: Response.Type
  ) -> ProtobufMethod<Request, Response> {
    ProtobufMethod("connectrpc.conformance.v1.ConformanceService", name)
  }
}
