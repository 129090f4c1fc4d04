/// The way to send the responses of a call. Several tasks may use it.
public struct ResponseWriter: Sendable {
  private let call: TaskCall

  init(_ call: TaskCall) { self.call = call }

  /// Sends one response, and waits while more than 256 KiB are unsent: for a client that reads
  /// slowly, or for the network.
  ///
  /// What waits for longer than `ServerLimits.sendTimeout` with the client's window shut ends the
  /// call.
  ///
  /// - Parameter compressed: Whether to compress it, on a call whose `compressionThreshold` allows
  ///   it at all; nil goes by that threshold.
  /// - Throws: The reason the call is over for: CANCELLED when the client left, DEADLINE_EXCEEDED,
  ///   UNAVAILABLE when the server shuts down. CANCELLED in a task that is cancelled while it waits;
  ///   the response goes out all the same.
  public func send(_ response: [UInt8], compressed: Bool? = nil) async throws(RPCError) {
    try await call.send(response, compressed: compressed)
  }
}
