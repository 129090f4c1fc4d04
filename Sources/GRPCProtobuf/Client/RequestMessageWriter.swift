public import GRPC
public import SwiftProtobuf

/// The requests of a call, to be sent one after the other as messages. See `RequestStream`, to which
/// it writes.
public struct RequestMessageWriter<Request: Message>: Sendable {
  private let requests: RequestStream

  init(_ requests: RequestStream) { self.requests = requests }

  /// Sends one request, after waiting for room to send it.
  ///
  /// - Returns: false when the call takes no more requests because it is over: its response says
  ///   why.
  /// - Throws: INTERNAL for a message that cannot be encoded.
  @discardableResult
  public func send(_ request: Request, compressed: Bool? = nil) async throws(RPCError) -> Bool {
    await requests.send(try request.rpcBytes(), compressed: compressed)
  }

  /// There are no more requests.
  public func finish() { requests.finish() }

  /// Ends the call.
  public func cancel() { requests.cancel() }
}
