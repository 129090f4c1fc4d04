/// The requests of a call, to be sent one after the other.
///
/// Letting go of it without `finish` cancels the call, unless its responses are still held.
public struct RequestStream: Sendable {
  let handle: CallHandle

  /// Sends one request, after waiting until it may be sent. A task that is cancelled while it waits
  /// cancels the call.
  ///
  /// - Parameter compressed: Whether to compress it, on a call whose `CallOptions` have a
  ///   `compressionThreshold`; nil goes by that.
  /// - Returns: false when the call takes no more requests because it is over: its response says
  ///   why.
  @discardableResult
  public func send(_ request: [UInt8], compressed: Bool? = nil) async -> Bool {
    await withTaskCancellationHandler {
      await handle.call.send(SentMessage(bytes: request, isCompressed: compressed))
    } onCancel: {
      handle.call.cancel()
    }
  }

  /// There are no more requests.
  public func finish() { handle.call.finishRequests() }

  /// Ends the call.
  public func cancel() { handle.call.cancel() }
}

/// A call of many requests and one response.
public struct ClientStreamingCall: Sendable {
  let handle: CallHandle

  /// Where the requests go. Call its `finish` after the last: most servers answer only then.
  public var requests: RequestStream { RequestStream(handle: handle) }

  /// The metadata the response begins with, as soon as it is here: it may come long before the
  /// response. Empty where a call ends well without any.
  ///
  /// - Throws: How the call ended, when it failed before any came.
  public var metadata: Metadata {
    get async throws(RPCError) {
      try await handle.reading { inbox throws(RPCError) in try await inbox.metadata() }
    }
  }

  /// Waits for the response, which may come before the last request. A task that is cancelled
  /// meanwhile cancels the call.
  ///
  /// - Throws: As `GRPCClient.unary`.
  public func response() async throws(RPCError) -> ClientResponse {
    try await handle.call.response()
  }
}

/// A call of many requests and many responses.
public struct BidirectionalCall: Sendable {
  /// Where the requests go. One task may write while another reads the responses; a single task that
  /// only writes and does not read comes to wait for ever once the server waits for it to read.
  public let requests: RequestStream
  /// The responses as they come.
  public let responses: ResponseStream
}
