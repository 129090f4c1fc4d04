public import NIOCore

/// What one call adds to its path and messages.
public struct CallOptions: Sendable {
  /// Sent with the request. Keys of gRPC and HTTP/2 themselves are refused with INVALID_ARGUMENT.
  public var metadata = Metadata()
  /// The call ends with DEADLINE_EXCEEDED after this time, all attempts counted; nil sets no limit.
  /// The server is told.
  public var timeout: TimeAmount?
  /// Waits while there is no connection, instead of failing with UNAVAILABLE as soon as an attempt
  /// to connect has failed.
  public var waitsForReady = false
  /// When to make this call again; nil takes the client's policy.
  public var retries: RetryPolicy?
  /// Requests of at least this many bytes are compressed with gzip; nil compresses none, and then
  /// `RequestStream.send` cannot ask for it either. A server that does not read gzip answers
  /// UNIMPLEMENTED. Responses in gzip are always accepted.
  public var compressionThreshold: Int?

  public init(
    metadata: Metadata = Metadata(), timeout: TimeAmount? = nil, waitsForReady: Bool = false,
    retries: RetryPolicy? = nil, compressionThreshold: Int? = nil
  ) {
    self.metadata = metadata
    self.timeout = timeout
    self.waitsForReady = waitsForReady
    self.retries = retries
    self.compressionThreshold = compressionThreshold
  }
}
