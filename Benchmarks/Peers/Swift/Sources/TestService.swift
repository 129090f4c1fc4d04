internal import GRPCCore
internal import GRPCProtobuf
internal import SwiftProtobuf

/// EmptyCall, UnaryCall and StreamingOutputCall of `grpc.testing.TestService`.
///
/// Registered by hand, the way code that protoc-gen-grpc-swift-2 writes does it.
struct TestService: RegistrableRPCService {
  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    register("EmptyCall", with: &router) { (request, _) in
      let _: ServerRequest<Grpc_Testing_Empty> = try await ServerRequest(stream: request)
      return StreamingServerResponse(single: ServerResponse(message: Grpc_Testing_Empty()))
    }

    register("UnaryCall", with: &router) { (request, _) in
      let request: ServerRequest<Grpc_Testing_SimpleRequest> = try await ServerRequest(
        stream: request)
      let response = Grpc_Testing_SimpleResponse.with {
        $0.payload = Self.payload(request.message.responseSize)
      }
      return StreamingServerResponse(single: ServerResponse(message: response))
    }

    register("StreamingOutputCall", with: &router) { (request, _) in
      let request: ServerRequest<Grpc_Testing_StreamingOutputCallRequest> =
        try await ServerRequest(stream: request)
      return StreamingServerResponse { writer in
        for parameters in request.message.responseParameters {
          try await writer.write(
            Grpc_Testing_StreamingOutputCallResponse.with {
              $0.payload = Self.payload(parameters.size)
            })
        }
        return [:]
      }
    }
  }

  private func register<Transport: ServerTransport, Input: Message, Output: Message>(
    _ name: String, with router: inout RPCRouter<Transport>,
    handler:
      @Sendable @escaping (StreamingServerRequest<Input>, ServerContext) async throws
      -> StreamingServerResponse<Output>
  ) {
    router.registerHandler(
      forMethod: MethodDescriptor(
        fullyQualifiedService: "grpc.testing.TestService", method: name),
      deserializer: ProtobufDeserializer<Input>(), serializer: ProtobufSerializer<Output>(),
      handler: handler)
  }

  private static func payload(_ size: Int32) -> Grpc_Testing_Payload {
    .with { $0.body = .init(repeating: 0, count: Int(size)) }
  }
}
