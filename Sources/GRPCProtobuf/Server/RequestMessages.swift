public import GRPC
public import SwiftProtobuf

/// The requests of a call as messages. See `IncomingRequests`, which it reads.
///
/// A request that is not its message throws INTERNAL.
public struct RequestMessages<Request: Message>: AsyncSequence, Sendable {
  public typealias Element = Request
  public typealias Failure = RPCError

  private let requests: IncomingRequests

  /// Reads the requests of a call as messages.
  public init(_ requests: IncomingRequests) { self.requests = requests }

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(requests: requests.makeAsyncIterator())
  }

  /// Reads requests.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let requests: IncomingRequests.AsyncIterator

    /// The next request, nil after the last.
    public func next(isolation actor: isolated (any Actor)?) async throws(RPCError) -> Request? {
      guard let bytes = try await requests.next(isolation: actor) else { return nil }
      return try Request(request: bytes)
    }

    /// The next request, nil after the last.
    public func next() async throws(RPCError) -> Request? { try await next(isolation: nil) }
  }
}
