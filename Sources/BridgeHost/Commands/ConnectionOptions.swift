internal import ArgumentParser
internal import GRPC
internal import NIOCore

/// The options of `serve` that bound what one client's connection may cost. Times are in seconds,
/// and 0 stands for never.
struct ConnectionOptions: ParsableArguments {
  private static let most = 2_147_483_647
  private static let mostBytes = 1 << 50

  @Option(
    0...Self.most,
    help: "Connections; a further one is refused. 0 takes as many as there are descriptors for.")
  var maxConnections = 0

  @Option(
    0...Self.most, help: "Ping a client that has been silent for so many seconds; 0 never does.")
  var keepaliveTime = 7200

  @Option(1...Self.most, help: "Seconds it has to answer.")
  var keepaliveTimeout = 20

  @Option(
    0...Self.most, help: "Least seconds between two pings of a client; one that sends more must go."
  )
  var minPingInterval = 4

  @Option(
    0...Self.most, help: "Seconds without calls after which a connection is ended; 0 keeps it.")
  var maxConnectionIdle = 0

  @Option(
    0...Self.most,
    help: "Seconds after which a connection is ended, a tenth more or less; 0 keeps it.")
  var maxConnectionAge = 0

  @Option(
    0...Self.most,
    help: "Seconds that calls may go on for at the end of that age; 0 waits for them.")
  var maxConnectionAgeGrace = 0

  @Option(
    0...Self.most,
    help: "Seconds after which a client that leaves its answers unread is cut off; 0 waits.")
  var sendTimeout = 60

  @Option(
    1024...Self.mostBytes,
    help:
      "Bytes of answers that clients have not read, all together; beyond it, clients with such wait."
  )
  var maxUnreadBytes = 512 * 1024 * 1024

  @Option(
    1024...Self.mostBytes,
    help: "Bytes of requests that the host holds, all together; a further one is refused.")
  var maxRequestBytes = 1024 * 1024 * 1024

  @Option(
    0...Self.most,
    help: "Compress messages from so many bytes, for clients that take gzip; 0 never does.")
  var compressFrom = 0

  func apply(to limits: inout ServerLimits) {
    func time(_ seconds: Int) -> TimeAmount? { seconds == 0 ? nil : .seconds(Int64(seconds)) }
    limits.connections = maxConnections == 0 ? DescriptorLimit.connections : maxConnections
    limits.totalAnswerBytes = maxUnreadBytes
    // The largest message fits in any case.
    limits.totalRequestBytes = max(maxRequestBytes, 2 * limits.messageSize)
    limits.keepalive.time = time(keepaliveTime)
    limits.keepalive.timeout = .seconds(Int64(keepaliveTimeout))
    limits.keepalive.minimumPingInterval = .seconds(Int64(minPingInterval))
    limits.keepalive.maxIdle = time(maxConnectionIdle)
    limits.keepalive.maxAge = time(maxConnectionAge)
    limits.keepalive.maxAgeGrace = time(maxConnectionAgeGrace)
    limits.sendTimeout = time(sendTimeout)
    limits.compressionThreshold = compressFrom == 0 ? nil : compressFrom
  }
}
