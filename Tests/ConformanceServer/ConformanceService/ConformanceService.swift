import GRPC

/// `connectrpc.conformance.v1.ConformanceService`, for Connect's conformance suite.
enum ConformanceService {
  /// Bytes of the longest request, as the suite expects it of a server.
  static let requestLimit = 204_800

  /// Unimplemented is not among them: the suite looks for what a server answers then.
  static func methods(requestLimit: Int) -> [RPCMethod] {
    let methods: [RPCMethod] = [
      .oneRequest(path("Unary")) { UnaryAnswer<Wire.UnaryRequest, Wire.UnaryResponse>(call: $0) },
      .oneRequest(path("IdempotentUnary")) {
        UnaryAnswer<Wire.IdempotentUnaryRequest, Wire.IdempotentUnaryResponse>(call: $0)
      },
      .requestStream(path("ClientStream")) {
        UnaryAnswer<Wire.ClientStreamRequest, Wire.ClientStreamResponse>(call: $0)
      },
      .oneRequest(path("ServerStream")) {
        StreamAnswer<Wire.ServerStreamRequest, Wire.ServerStreamResponse>(call: $0)
      },
      .requestStream(path("BidiStream")) {
        StreamAnswer<Wire.BidiStreamRequest, Wire.BidiStreamResponse>(call: $0)
      },
    ]
    return methods.map { $0.limitingRequests(to: requestLimit) }
  }

  private static func path(_ name: String) -> String {
    "/connectrpc.conformance.v1.ConformanceService/\(name)"
  }
}
