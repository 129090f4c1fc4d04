/// How much a server takes from its clients.
public struct ServerLimits: Sendable {
  /// The largest request message, in bytes. gRPC's customary default is 4 MiB.
  public var messageSize = 4 * 1024 * 1024
  /// The largest list of request headers, in bytes as RFC 9113 section 6.5.2 counts them.
  public var headerListSize = 64 * 1024
  /// Streams a client may have open on one connection. Clients exist that fail a call at once
  /// instead of queueing it, so the number is high.
  public var concurrentStreams = 10_000
  /// Bytes a client may send ahead on one stream, and on one connection.
  public var streamWindow = 1024 * 1024
  public var connectionWindow = 8 * 1024 * 1024

  public init() {}
}
