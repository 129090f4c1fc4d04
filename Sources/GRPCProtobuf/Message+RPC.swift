public import GRPC
public import SwiftProtobuf

/// Messages as the bytes of a call. The typed methods and calls of this module do all this by
/// themselves; a `ServerCallHandler` or a `MessageSource` does it by hand.
extension Message {
  /// Reads a request.
  ///
  /// - Throws: INTERNAL when the bytes are not this message.
  public init(request bytes: [UInt8]) throws(RPCError) {
    try self.init(rpcBytes: bytes, what: "request")
  }

  /// Reads a response.
  ///
  /// - Throws: INTERNAL when the bytes are not this message.
  public init(response bytes: [UInt8]) throws(RPCError) {
    try self.init(rpcBytes: bytes, what: "response")
  }

  private init(rpcBytes bytes: [UInt8], what: String) throws(RPCError) {
    do {
      try self.init(serializedBytes: bytes)
    } catch {
      throw RPCError(malformed: what, Self.protoMessageName)
    }
  }

  /// This message as the bytes of a request or response.
  ///
  /// - Throws: INTERNAL when it is too large for protobuf, or lacks what proto2 requires.
  public func rpcBytes() throws(RPCError) -> [UInt8] {
    do {
      return try serializedBytes()
    } catch {
      throw RPCError(
        .internalError, "the \(Self.protoMessageName) could not be encoded: \(error)")
    }
  }
}

extension RPCError {
  /// What a call ends with when its bytes are not the message they should be.
  ///
  /// - Parameters:
  ///   - what: "request" or "response".
  ///   - name: The message's full name.
  package init(malformed what: String, _ name: String) {
    self.init(.internalError, "the \(what) is not a well-formed \(name)")
  }
}
