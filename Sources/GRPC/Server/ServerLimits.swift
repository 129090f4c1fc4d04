public import NIOCore

/// How much a server takes from its clients, and how long it waits for them.
///
/// No count, size or time may be negative; windows are from 1 to 2^31 - 1, and a client may have at
/// least one stream. `GRPCServer.init` ends the program otherwise.
public struct ServerLimits: Sendable {
  /// Connections of the server. The last eighth is for machines that have few; a connection beyond it is
  /// closed as soon as it is accepted, with GOAWAY and `too_many_connections` where it has no TLS.
  public var connections = 1_000_000
  /// The largest request message, in bytes, compressed and not. gRPC's customary default is 4 MiB.
  public var messageSize = 4 * 1024 * 1024
  /// The largest list of request headers, in bytes as RFC 9113 section 6.5.2 counts them.
  public var headerListSize = 64 * 1024
  /// Streams a client may have open on one connection. Clients exist that fail a call at once
  /// instead of queueing it, so the number is high. A call that was cancelled counts for as long as
  /// its handler goes on.
  public var concurrentStreams = 10_000
  /// Bytes a client may send ahead on one stream: beyond those its handler, or the server for it, has
  /// taken. HTTP/2's flow-control window (RFC 9113 section 5.2), at most 2^31 - 1.
  public var streamWindow = 1024 * 1024
  /// Bytes a client may send ahead on one connection, all its streams together; likewise.
  public var connectionWindow = 8 * 1024 * 1024

  /// Bytes of requests that a connection may hold before they reach their handlers; at least one
  /// message of `messageSize` fits in any case.
  ///
  /// Beyond it the connection's window stays closed. When that leaves its client with nothing it
  /// may send, the youngest calls end with RESOURCE_EXHAUSTED until the rest can go on, so that a
  /// connection holds at most this and `connectionWindow`.
  public var requestBytes = 64 * 1024 * 1024
  /// Bytes of metadata that the open calls of a connection may have; one call's fits in any case.
  /// Calls in a row that have the same count once. A call beyond it ends with RESOURCE_EXHAUSTED.
  public var metadataBytes = 16 * 1024 * 1024
  /// Bytes of answers that may wait on a connection. Beyond it, requests wait for their handlers,
  /// so that a connection holds at most this and what the calls already running answer.
  public var answerBytes = 64 * 1024 * 1024

  /// Bytes of answers that may wait on all connections. Beyond it, requests of those on which more than
  /// 64 KiB wait are held back.
  public var totalAnswerBytes = 512 * 1024 * 1024
  /// Bytes of requests that all connections may hold: unfinished ones, and those whose handlers have not
  /// let go of them. Beyond it, and of connections that hold more than 1 MiB beyond seven eighths of it, a
  /// call ends with RESOURCE_EXHAUSTED.
  public var totalRequestBytes = 1024 * 1024 * 1024

  /// How many frames that carry no request (pings, settings, window updates, priorities, empty
  /// DATA), and how many resets, a client may send at once. What is in proportion to its calls and
  /// to the data it receives comes on top (see `FrameBudget`). A client that sends more is
  /// disconnected.
  public var controlFrameBurst = 2_000
  /// How many of them a client may send each second, for as long as it likes.
  public var controlFramesPerSecond = 200

  /// How long a client may take until HTTP/2 is set up, TLS included.
  public var handshakeTimeout = TimeAmount.seconds(20)
  /// How long it may take until its first call; nil waits for ever. It is then told to go away.
  public var firstCallTimeout: TimeAmount? = .minutes(10)
  /// How long a client may leave what waits for it unread: a call ends when the stream's window
  /// stays shut, a connection when nothing can be written to it. nil waits for ever. Streams from a
  /// `MessageSource` are not ended for that: they wait at no cost.
  public var sendTimeout: TimeAmount? = .seconds(60)
  /// Pings, and the age of connections.
  public var keepalive = ServerKeepalive()

  /// Messages of at least this many bytes are compressed for clients that accept gzip; nil
  /// compresses only where `ServerCall.compressionThreshold` says so.
  public var compressionThreshold: Int?

  /// Makes the limits that every property says it has at first.
  public init() {}

  /// What a connection has until its client has shown who it is, where a `CallAdmission` asks for that.
  /// A call whose token is not known, or that needs none, leaves it so.
  var beforeAuthentication: ServerLimits {
    var limits = self
    limits.concurrentStreams = min(concurrentStreams, 100)
    limits.streamWindow = min(streamWindow, 65_535)
    limits.connectionWindow = min(connectionWindow, 65_535)
    limits.messageSize = min(messageSize, 64 * 1024)
    limits.requestBytes = min(requestBytes, 64 * 1024)
    limits.metadataBytes = min(metadataBytes, 64 * 1024)
    limits.answerBytes = min(answerBytes, 256 * 1024)
    limits.controlFrameBurst = min(controlFrameBurst, 1000)
    limits.firstCallTimeout = min(firstCallTimeout ?? .seconds(30), .seconds(30))
    return limits
  }

  /// Ends the program when a value makes no sense: better here than at the first connection.
  func check() {
    func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) {
      precondition(
        range.contains(value),
        "ServerLimits.\(name) is \(value); it must be from \(range.lowerBound) to \(range.upperBound)"
      )
    }
    func check(_ name: String, _ time: TimeAmount?) {
      precondition(time.map { $0 >= .zero } ?? true, "ServerLimits.\(name) is negative")
    }
    // What HTTP/2 has room for: RFC 9113 sections 6.5.2 and 6.9.1.
    let largestSetting = Int(UInt32.max)
    let largestWindow = Int(Int32.max)
    check("connections", connections, 1...(.max))
    check("messageSize", messageSize, 0...largestSetting)
    check("headerListSize", headerListSize, 0...largestSetting)
    check("concurrentStreams", concurrentStreams, 1...largestSetting)
    check("streamWindow", streamWindow, 1...largestWindow)
    check("connectionWindow", connectionWindow, 1...largestWindow)
    // Half of what an Int holds, so that sums with windows do not overflow.
    check("requestBytes", requestBytes, 0...(.max / 2))
    check("metadataBytes", metadataBytes, 0...(.max / 2))
    check("answerBytes", answerBytes, 0...(.max / 2))
    check("totalAnswerBytes", totalAnswerBytes, 0...(.max / 2))
    check("totalRequestBytes", totalRequestBytes, 0...(.max / 2))
    check("controlFrameBurst", controlFrameBurst, 1...largestWindow)
    check("controlFramesPerSecond", controlFramesPerSecond, 0...largestWindow)
    check("compressionThreshold", compressionThreshold ?? 0, 0...(.max))
    check("handshakeTimeout", handshakeTimeout)
    check("firstCallTimeout", firstCallTimeout)
    check("sendTimeout", sendTimeout)
    check("keepalive.time", keepalive.time)
    check("keepalive.timeout", keepalive.timeout)
    check("keepalive.minimumPingInterval", keepalive.minimumPingInterval)
    check("keepalive.maxIdle", keepalive.maxIdle)
    check("keepalive.maxAge", keepalive.maxAge)
    check("keepalive.maxAgeGrace", keepalive.maxAgeGrace)
  }
}

/// How a server finds out that a client is gone, and how long it keeps connections.
///
/// What these cost is one timer a connection, and nothing a call. Times without calls or input are
/// kept to about a quarter of their length.
///
/// Source: https://github.com/grpc/proposal/blob/master/A9-server-side-conn-mgt.md
public struct ServerKeepalive: Sendable {
  /// After so much time without input, the client is pinged; nil never does.
  public var time: TimeAmount? = .hours(2)
  /// How long it may take to answer, before its connection is closed.
  public var timeout = TimeAmount.seconds(20)

  /// The least time between two pings of a client, unless headers or data went out meanwhile. At
  /// the third ping that comes sooner it is disconnected (ENHANCE_YOUR_CALM, "too_many_pings").
  ///
  /// Elsewhere the default is 5 minutes, which ends the connections of clients that keep a watch
  /// alive through a proxy. Elixir's clients ping every 5 seconds, if not told otherwise.
  public var minimumPingInterval = TimeAmount.seconds(4)
  /// Whether a client without open calls may ping as often; otherwise every two hours.
  public var permitsPingsWithoutCalls = true

  /// A connection without calls for so long is told to go away; nil keeps it.
  public var maxIdle: TimeAmount?
  /// A connection so old is told to go away; nil keeps it. Up to a tenth more or less, so that
  /// connections made together do not end together.
  public var maxAge: TimeAmount?
  /// How long its calls may go on after that; nil waits for them.
  public var maxAgeGrace: TimeAmount?

  /// Makes the times that every property says it has at first.
  public init() {}
}
