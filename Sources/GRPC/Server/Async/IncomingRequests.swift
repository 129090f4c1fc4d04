/// The requests of a call, as they come; the sequence ends after the last.
///
/// Requests are taken from the client as fast as they are read here. What is not read stays within
/// some 16 KiB, or one message, and `ServerLimits.streamWindow`; then the client waits. One task at a
/// time reads, and each request is read once, whichever iterator reads it.
///
/// A call that ends before its last request throws the reason: CANCELLED when the client left,
/// DEADLINE_EXCEEDED, UNAVAILABLE when the server shuts down. A task that is cancelled while it waits
/// for a request gets CANCELLED.
public struct IncomingRequests: AsyncSequence, Sendable {
  public typealias Element = [UInt8]
  public typealias Failure = RPCError

  private let call: TaskCall

  init(_ call: TaskCall) { self.call = call }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(call: call) }

  /// Reads requests.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let call: TaskCall

    /// The next request, nil after the last.
    public func next(isolation actor: isolated (any Actor)?) async throws(RPCError) -> [UInt8]? {
      let call = call
      return try await call.nextRequest()
    }

    /// The next request, nil after the last.
    public func next() async throws(RPCError) -> [UInt8]? { try await next(isolation: nil) }
  }
}
