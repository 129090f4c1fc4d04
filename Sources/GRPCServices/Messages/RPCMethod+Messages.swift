package import GRPC
package import SwiftProtobuf

extension RPCMethod {
  /// A unary method with protobuf messages, answered on the event loop: it must not block.
  package static func unary<Request: Message, Response: Message>(
    _ path: String,
    _ handler: @escaping @Sendable (Request, ServerCall) throws(RPCError) -> Response
  ) -> RPCMethod {
    .unary(path) { bytes, call throws(RPCError) in
      try handler(Request(request: bytes), call).response()
    }
  }
}

extension Message {
  /// Reads a request.
  ///
  /// - Throws: INTERNAL when the bytes are not this message.
  package init(request bytes: [UInt8]) throws(RPCError) {
    do {
      try self.init(serializedBytes: bytes)
    } catch {
      throw RPCError(
        .internalError, "the request is not a well-formed \(Self.protoMessageName)")
    }
  }

  /// This message as the answer to a call.
  ///
  /// - Throws: INTERNAL when it is too large for protobuf, or lacks what proto2 requires.
  package func response() throws(RPCError) -> [UInt8] {
    do {
      return try serializedBytes()
    } catch {
      throw RPCError(.internalError, "the response could not be encoded: \(error)")
    }
  }
}
