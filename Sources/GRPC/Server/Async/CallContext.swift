public import NIOCore

/// What an async handler knows of its call, and what it can say beside its messages.
///
/// It may be used from any task and kept; once the call is over, it says nothing to anybody.
public struct CallContext: Sendable {
  private let call: TaskCall

  init(_ call: TaskCall) { self.call = call }

  /// The method's path, `/package.Service/Method`.
  public var path: String { call.path }

  /// The request's metadata, without the headers HTTP/2 and gRPC themselves use. It is taken apart
  /// each time.
  public var metadata: Metadata { MetadataFields.metadata(of: call.metadataFields) }

  /// Who calls.
  public var peer: Peer { call.peer }

  /// When the client gives up, on the monotonic clock; nil when it set no timeout. The handler's task
  /// is cancelled then.
  public var deadline: NIODeadline? { call.deadline }

  /// How long the client still waits, zero at least; nil when it set no timeout. For calls that the
  /// handler itself makes.
  public var timeLeft: TimeAmount? {
    call.deadline.map { max(.zero, $0 - .now()) }
  }

  /// Whether the call is over: finished, or cancelled as the handler's task then is. For tasks that
  /// are no children of the handler's.
  public var isOver: Bool { call.isOver }

  /// Whether the request came compressed that was taken last.
  public var isRequestCompressed: Bool { call.wasRequestCompressed }

  /// Sends the response headers now, without waiting for the first response. After them it does
  /// nothing.
  ///
  /// - Parameter compressionThreshold: Responses of at least this many bytes are compressed with
  ///   gzip, if the client accepts that; `.max` compresses those alone that are sent as
  ///   `compressed`. Nil leaves it to `ServerLimits.compressionThreshold`.
  /// - Throws: INTERNAL for metadata that is not a service's to send, such as keys that begin with
  ///   `grpc-`; the reason the call is over for, if it is.
  public func start(
    metadata: Metadata = Metadata(), compressionThreshold: Int? = nil
  ) throws(RPCError) {
    try metadata.checkSendable()
    try call.perform(.start(metadata, compressionThreshold: compressionThreshold))
  }

  /// Sets the metadata that goes out after the last response, whatever status the call ends with.
  ///
  /// - Throws: INTERNAL for metadata that is not a service's to send.
  public func setTrailers(_ trailers: Metadata) throws(RPCError) {
    try trailers.checkSendable()
    call.setTrailers(trailers)
  }
}
