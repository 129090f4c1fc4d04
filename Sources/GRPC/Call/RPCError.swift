/// The end of a call that did not succeed: what a handler throws and a client receives.
public struct RPCError: Error, Sendable, CustomStringConvertible {
  public var code: StatusCode
  /// What was wrong, for a person. Sent percent-encoded as `grpc-message`.
  public var message: String
  /// A serialized google.rpc.Status, sent as `grpc-status-details-bin`; empty sends none.
  public var details: [UInt8]
  /// Trailing metadata beside the status. What is not a service's to send makes the error INTERNAL.
  public var metadata: Metadata

  public init(
    _ code: StatusCode, _ message: String, details: [UInt8] = [], metadata: Metadata = Metadata()
  ) {
    self.code = code
    self.message = message
    self.details = details
    self.metadata = metadata
  }

  public var description: String { "\(code): \(message)" }
}
