/// The end of a call that did not succeed: what a handler throws and a client receives.
public struct RPCError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is, for programs. OK is no end that is thrown; sent, it tells the client
  /// of success.
  public var code: StatusCode
  /// What was wrong, for a person. Sent percent-encoded as `grpc-message`.
  public var message: String
  /// A serialized google.rpc.Status, sent as `grpc-status-details-bin`; empty sends none.
  public var details: [UInt8]
  /// Trailing metadata beside the status. What is not a service's to send makes the error INTERNAL.
  public var metadata: Metadata
  /// Whether a limit of load refused the call, before anything was done for it: the same call may succeed
  /// a little later. Never sent: whoever makes `details` may say so in them.
  public var isTransient = false
  /// What a client received before the error: the metadata that the response began with. Never sent.
  public var headers = Metadata()

  /// Makes an error.
  ///
  /// - Parameters:
  ///   - message: For a person; clients may see it cut when it is long.
  ///   - details: A serialized google.rpc.Status. With `GRPCProtobuf`, `packing` makes one of messages.
  ///   - metadata: Sent beside the status. Keys that are not a service's to send, such as those that
  ///     begin with `grpc-`, make the call end with INTERNAL.
  ///   - isTransient: Whether the same call may succeed a little later.
  public init(
    _ code: StatusCode, _ message: String, details: [UInt8] = [], metadata: Metadata = Metadata(),
    isTransient: Bool = false
  ) {
    self.code = code
    self.message = message
    self.details = details
    self.metadata = metadata
    self.isTransient = isTransient
  }

  /// The code and the message.
  public var description: String { "\(code): \(message)" }
}
