import ConformanceSupport
import GRPC
import GRPCProtobuf

/// `grpc.testing.TestService`, for gRPC's interop clients.
enum TestService {
  /// The same for every call to this process.
  private static let serverID = "bridge-host conformance server"

  /// UnimplementedCall is not among them: clients look for what a server answers then.
  static var methods: [RPCMethod] {
    [
      .unary(method("EmptyCall", Grpc_Testing_Empty.self, Grpc_Testing_Empty.self)) {
        _, _ throws(RPCError) in Grpc_Testing_Empty()
      },
      .asyncUnary(
        method("UnaryCall", Grpc_Testing_SimpleRequest.self, Grpc_Testing_SimpleResponse.self)
      ) { request, call in
        try check(request.hasExpectCompressed ? request.expectCompressed : nil, of: call)
        try call.setTrailers(call.echoedTrailers)
        if let error = RPCError(request.responseStatus) { throw error }
        try call.begin(compressing: request.responseCompressed.value)
        var response = Grpc_Testing_SimpleResponse()
        response.payload = try payload(request.responseSize)
        if request.fillServerID { response.serverID = serverID }
        return response
      },
      .serverStream(output("StreamingOutputCall")) { request, responses, call in
        try call.setTrailers(call.echoedTrailers)
        try await answer(request, responses, call)
      },
      .clientStream(
        method(
          "StreamingInputCall", Grpc_Testing_StreamingInputCallRequest.self,
          Grpc_Testing_StreamingInputCallResponse.self)
      ) { requests, call in
        try call.setTrailers(call.echoedTrailers)
        var size = 0
        for try await request in requests {
          try check(request.hasExpectCompressed ? request.expectCompressed : nil, of: call)
          size += request.payload.body.count
        }
        try call.begin()
        return .with { $0.aggregatedPayloadSize = Int32(clamping: size) }
      },
      .bidirectional(output("FullDuplexCall")) { requests, responses, call in
        try call.setTrailers(call.echoedTrailers)
        for try await request in requests { try await answer(request, responses, call) }
        try call.begin()
      },
      .bidirectional(output("HalfDuplexCall")) { requests, responses, call in
        try call.setTrailers(call.echoedTrailers)
        var all: [Grpc_Testing_StreamingOutputCallRequest] = []
        for try await request in requests { all.append(request) }
        for request in all { try await answer(request, responses, call) }
        try call.begin()
      },
    ]
  }

  private static func method<Request, Response>(
    _ name: String, _: Request.Type, _: Response.Type
  ) -> ProtobufMethod<Request, Response> {
    ProtobufMethod("grpc.testing.TestService", name)
  }

  private static func output(_ name: String) -> ProtobufMethod<
    Grpc_Testing_StreamingOutputCallRequest, Grpc_Testing_StreamingOutputCallResponse
  > { ProtobufMethod("grpc.testing.TestService", name) }

  /// Sends what one request of a stream asks for.
  private static func answer(
    _ request: Grpc_Testing_StreamingOutputCallRequest,
    _ responses: ResponseMessageWriter<Grpc_Testing_StreamingOutputCallResponse>,
    _ call: CallContext
  ) async throws {
    if let error = RPCError(request.responseStatus) { throw error }
    for parameters in request.responseParameters {
      try await Task.sleep(for: .microseconds(parameters.intervalUs))
      try call.begin()
      var response = Grpc_Testing_StreamingOutputCallResponse()
      response.payload = try payload(parameters.size)
      try await responses.send(
        response, compressed: parameters.hasCompressed ? parameters.compressed.value : nil)
    }
  }

  /// A payload of zero bytes.
  private static func payload(_ size: Int32) throws(RPCError) -> Grpc_Testing_Payload {
    guard size >= 0 else {
      throw RPCError(.invalidArgument, "a payload cannot have \(size) bytes")
    }
    return .with { $0.body = .init(repeating: 0, count: Int(size)) }
  }

  /// - Parameter expected: nil when both are welcome.
  private static func check(
    _ expected: Grpc_Testing_BoolValue?, of call: CallContext
  ) throws(RPCError) {
    guard let expected, expected.value != call.isRequestCompressed else { return }
    throw RPCError(
      .invalidArgument,
      expected.value ? "the request came uncompressed" : "the request came compressed")
  }
}

extension CallContext {
  /// Sends the headers that an interop client asks to have back, unless they are sent already.
  ///
  /// - Parameter compressing: Whether to compress every answer, not only those sent as `compressed`.
  fileprivate func begin(compressing: Bool = false) throws(RPCError) {
    try start(
      metadata: echo("x-grpc-test-echo-initial"), compressionThreshold: compressing ? 0 : .max)
  }

  /// Trailers that an interop client asks to have back.
  fileprivate var echoedTrailers: Metadata { echo("x-grpc-test-echo-trailing-bin") }

  private func echo(_ key: String) -> Metadata {
    var metadata = Metadata()
    for value in self.metadata.values(for: key) { metadata.add(wireValue: value, for: key) }
    return metadata
  }
}

extension RPCError {
  /// The status that a request asks for; nil for none and for OK.
  fileprivate init?(_ status: Grpc_Testing_EchoStatus) {
    guard status.code != 0 else { return nil }
    self.init(StatusCode(rawValue: status.code) ?? .unknown, status.message)
  }
}
