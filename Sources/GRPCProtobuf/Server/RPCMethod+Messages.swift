public import GRPC
public import SwiftProtobuf

/// Methods with protobuf messages. A request that is not its message ends the call with INTERNAL.
extension RPCMethod {
  /// A unary method whose answer is at hand: it runs on the event loop and must not block.
  public static func unary<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>,
    _ handler:
      @escaping @Sendable (_ request: Request, _ call: ServerCall) throws(RPCError) -> Response
  ) -> RPCMethod {
    .unary(method.path) { bytes, call throws(RPCError) in
      try handler(Request(request: bytes), call).rpcBytes()
    }
  }

  /// A method of one request and one response, answered by a task. See `RPCMethod` for what holds of
  /// all async handlers.
  public static func asyncUnary<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>,
    _ handler:
      @escaping @Sendable (_ request: Request, _ call: CallContext) async throws -> Response
  ) -> RPCMethod {
    .asyncUnary(method.path) { bytes, call in
      try await handler(Request(request: bytes), call).rpcBytes()
    }
  }

  /// A method of one request and any number of responses. The call ends well when the handler
  /// returns.
  public static func serverStream<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>,
    _ handler:
      @escaping @Sendable (
        _ request: Request, _ responses: ResponseMessageWriter<Response>, _ call: CallContext
      ) async throws -> Void
  ) -> RPCMethod {
    .serverStream(method.path) { bytes, responses, call in
      try await handler(Request(request: bytes), ResponseMessageWriter(responses), call)
    }
  }

  /// A method of any number of requests and one response. The handler begins before the first
  /// request, and may return before the last.
  public static func clientStream<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>,
    _ handler:
      @escaping @Sendable (_ requests: RequestMessages<Request>, _ call: CallContext) async throws
      -> Response
  ) -> RPCMethod {
    .clientStream(method.path) { requests, call in
      try await handler(RequestMessages(requests), call).rpcBytes()
    }
  }

  /// A method whose requests and responses go their own ways. The handler begins before the first
  /// request; the call ends well when it returns.
  public static func bidirectional<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>,
    _ handler:
      @escaping @Sendable (
        _ requests: RequestMessages<Request>, _ responses: ResponseMessageWriter<Response>,
        _ call: CallContext
      ) async throws -> Void
  ) -> RPCMethod {
    .bidirectional(method.path) { requests, responses, call in
      try await handler(RequestMessages(requests), ResponseMessageWriter(responses), call)
    }
  }
}
