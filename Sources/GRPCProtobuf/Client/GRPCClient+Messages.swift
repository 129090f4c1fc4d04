public import GRPC
public import SwiftProtobuf

/// Calls with protobuf messages: what `GRPCClient` does with bytes.
extension GRPCClient {
  /// Makes a call of one request and one response.
  ///
  /// - Throws: As the call with bytes; INTERNAL for a request that cannot be encoded, and for a
  ///   response that is not its message.
  public func unary<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, _ request: Request,
    options: CallOptions = CallOptions()
  ) async throws(RPCError) -> MessageResponse<Response> {
    try MessageResponse(
      await unary(method.path, try request.rpcBytes(), options: options))
  }

  /// Makes a call of one request and any number of responses.
  ///
  /// - Throws: INTERNAL for a request that cannot be encoded.
  public func serverStream<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, _ request: Request,
    options: CallOptions = CallOptions()
  ) throws(RPCError) -> ResponseMessages<Response> {
    ResponseMessages(serverStream(method.path, try request.rpcBytes(), options: options))
  }

  /// Makes a call of any number of requests and one response.
  public func clientStream<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, options: CallOptions = CallOptions()
  ) -> ClientStreamingMessages<Request, Response> {
    ClientStreamingMessages(clientStream(method.path, options: options))
  }

  /// Makes a call whose requests and responses go their own ways.
  public func bidirectional<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, options: CallOptions = CallOptions()
  ) -> BidirectionalMessages<Request, Response> {
    BidirectionalMessages(bidirectional(method.path, options: options))
  }
}
