/// The answer to a call that has one.
public struct ClientResponse: Sendable {
  public var message: [UInt8]
  /// What came before the message.
  public var metadata: Metadata
  /// What came after it.
  public var trailers: Metadata
}

extension ClientCall {
  /// Waits for the only response. A task that is cancelled cancels the call.
  func response() async throws(RPCError) -> ClientResponse {
    let end = await withTaskCancellationHandler {
      await inbox.end()
    } onCancel: {
      cancel()
    }
    if let error = end.error { throw error }
    let (metadata, message) = try inbox.takeOnly()
    // A call that takes one response does not end well without.
    return ClientResponse(message: message!, metadata: metadata, trailers: end.trailers)
  }
}
