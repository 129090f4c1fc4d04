/// The requests of a call, to be sent one after the other.
///
/// Letting go of it without `finish` cancels the call, unless its responses are still held.
public struct RequestStream: Sendable {
  let handle: CallHandle

  /// Sends one request, after waiting for room to send it. A task that is cancelled while it waits
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

  public var requests: RequestStream { RequestStream(handle: handle) }

  /// Waits for the response, which may come before the last request.
  public func response() async throws(RPCError) -> ClientResponse {
    try await handle.call.response()
  }
}

/// A call of many requests and many responses.
public struct BidirectionalCall: Sendable {
  public let requests: RequestStream
  public let responses: ResponseStream
}
