public import NIOCore

/// How a client connects, and how much it takes from its server.
public struct ClientConfiguration: Sendable {
  /// The largest response message, in bytes, compressed and not. gRPC's customary default is 4 MiB.
  public var messageSize = 4 * 1024 * 1024
  /// The largest list of response headers or trailers, in bytes as RFC 9113 section 6.5.2 counts.
  public var headerListSize = 64 * 1024
  /// Bytes the server may send ahead on one stream. What a consumer has not taken counts against its
  /// stream's window alone, so that it holds up nobody else. HTTP/2's flow-control window (RFC 9113
  /// section 5.2), at most 2^31 - 1.
  public var streamWindow = 1024 * 1024
  /// Bytes the server may send ahead on the connection, all streams together; likewise.
  public var connectionWindow = 8 * 1024 * 1024

  /// Whether a Unix domain socket must be of a server that runs as this user or root: a client that sends
  /// secrets asks for that. The system says so of the socket that was connected, whatever its path leads
  /// to by then; nothing is sent before.
  public var requiresOwnSocket = false

  /// How long the making of a connection may take, up to the server's first SETTINGS frame.
  public var connectTimeout = TimeAmount.seconds(20)
  /// The pauses between attempts to connect.
  public var connectBackoff = Backoff.connecting
  /// How long a connection is kept without calls.
  public var idleTimeout = TimeAmount.minutes(30)
  /// Pings that find dead connections; nil sends none.
  public var keepalive: Keepalive?

  /// Which calls are made again, unless their options say otherwise.
  public var retries = RetryPolicy.none
  /// How many bytes of a request stream are kept for another attempt. A stream that has sent more
  /// is not made again.
  public var retryBufferSize = 1024 * 1024

  /// The `user-agent` of every call.
  public var userAgent = "grpc-swift-nghttp2/1"

  /// Makes the configuration that every property says it has at first.
  public init() {}

  /// Pings that find out whether the server is still there.
  ///
  /// Source: https://github.com/grpc/grpc/blob/master/doc/keepalive.md
  public struct Keepalive: Sendable, Hashable {
    /// How long the connection may be silent before a ping is sent. Doubled when the server says
    /// ENHANCE_YOUR_CALM.
    public var time: TimeAmount
    /// How long the answer may take.
    public var timeout: TimeAmount
    /// Whether to ping while there are no calls. Servers may resent it.
    public var permitsWithoutCalls: Bool

    /// Makes pings after `time`, each to be answered within `timeout`.
    public init(
      time: TimeAmount, timeout: TimeAmount = .seconds(20), permitsWithoutCalls: Bool = false
    ) {
      self.time = time
      self.timeout = timeout
      self.permitsWithoutCalls = permitsWithoutCalls
    }
  }
}
