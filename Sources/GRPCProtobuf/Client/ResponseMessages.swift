public import GRPC
public import SwiftProtobuf

/// The responses of a call as messages. See `ResponseStream`, which it reads.
///
/// A response that is not its message throws INTERNAL.
public struct ResponseMessages<Response: Message>: AsyncSequence, Sendable {
  public typealias Element = Response
  public typealias Failure = RPCError

  private let responses: ResponseStream

  init(_ responses: ResponseStream) { self.responses = responses }

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(responses: responses.makeAsyncIterator())
  }

  /// Reads responses.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let responses: ResponseStream.AsyncIterator

    /// The next response, nil after the last of a call that ended well.
    public func next(isolation actor: isolated (any Actor)?) async throws(RPCError) -> Response? {
      guard let bytes = try await responses.next(isolation: actor) else { return nil }
      return try Response(response: bytes)
    }

    /// The next response, nil after the last of a call that ended well.
    public func next() async throws(RPCError) -> Response? { try await next(isolation: nil) }
  }

  /// The metadata the response begins with, as soon as it is here.
  public var metadata: Metadata {
    get async throws(RPCError) { try await responses.metadata }
  }

  /// The metadata after the last response of a call that ended well, as soon as it has. That of
  /// another call is in the error.
  public var trailers: Metadata {
    get async throws(RPCError) { try await responses.trailers }
  }

  /// Ends the call. What was not read is gone.
  public func cancel() { responses.cancel() }
}
