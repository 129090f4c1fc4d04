/// The responses of a call, as they come.
///
/// Responses are taken from the server as fast as they are read here: what is not read stays within
/// `ClientConfiguration.streamWindow`. One task at a time reads. A call that ends with a status other
/// than OK throws it, an `RPCError`, after its last response. Cancelling the reading task, and letting
/// go of the stream, cancel the call.
public struct ResponseStream: AsyncSequence, Sendable {
  public typealias Element = [UInt8]
  public typealias Failure = RPCError

  let handle: CallHandle

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(handle: handle) }

  /// Reads responses.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let handle: CallHandle

    /// The next response, nil after the last of a call that ended well.
    public func next(isolation actor: isolated (any Actor)?) async throws(RPCError) -> [UInt8]? {
      let handle = handle
      return try await handle.reading { inbox throws(RPCError) in try await inbox.next() }
    }

    /// The next response, nil after the last of a call that ended well.
    public func next() async throws(RPCError) -> [UInt8]? { try await next(isolation: nil) }
  }

  /// The metadata the response begins with, as soon as it is here.
  public var metadata: Metadata {
    get async throws(RPCError) {
      try await handle.reading { inbox throws(RPCError) in try await inbox.metadata() }
    }
  }

  /// The metadata after the last response of a call that ended well, as soon as it has. That of
  /// another call is in the error.
  public var trailers: Metadata {
    get async throws(RPCError) {
      let end = try await handle.reading { inbox throws(RPCError) in await inbox.end() }
      if let error = end.error { throw error }
      return end.trailers
    }
  }

  /// Ends the call. What was not read is gone.
  public func cancel() { handle.call.cancel() }
}
