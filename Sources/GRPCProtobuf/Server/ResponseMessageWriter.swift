public import GRPC
public import SwiftProtobuf

/// The way to send the responses of a call as messages. Several tasks may use it.
public struct ResponseMessageWriter<Response: Message>: Sendable {
  private let responses: ResponseWriter

  /// Sends messages as the responses of a call.
  public init(_ responses: ResponseWriter) { self.responses = responses }

  /// Sends one response, and waits while there is no room for more. See `ResponseWriter.send`.
  ///
  /// - Throws: INTERNAL for a message that cannot be encoded, and what `ResponseWriter.send` throws.
  public func send(_ response: Response, compressed: Bool? = nil) async throws(RPCError) {
    try await responses.send(try response.rpcBytes(), compressed: compressed)
  }
}
