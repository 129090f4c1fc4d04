import ArgumentParser
import GRPC
import NIOCore

/// The options of `serve` that bound what one client's connection may cost. Times are in seconds,
/// and 0 stands for never.
struct ConnectionOptions: ParsableArguments {
  @Option(help: "Ping a client that has been silent for so many seconds; 0 never does.")
  var keepaliveTime = 7200

  @Option(help: "Seconds it has to answer.")
  var keepaliveTimeout = 20

  @Option(help: "Least seconds between two pings of a client; one that sends more must go.")
  var minPingInterval = 10

  @Option(help: "Seconds without calls after which a connection is ended; 0 keeps it.")
  var maxConnectionIdle = 0

  @Option(help: "Seconds after which a connection is ended, a tenth more or less; 0 keeps it.")
  var maxConnectionAge = 0

  @Option(help: "Seconds that calls may go on for at the end of that age; 0 waits for them.")
  var maxConnectionAgeGrace = 0

  @Option(help: "Seconds after which a client that leaves its answers unread is cut off; 0 waits.")
  var sendTimeout = 60

  @Option(help: "Compress messages from so many bytes, for clients that take gzip; 0 never does.")
  var compressFrom = 0

  func validate() throws {
    try check(keepaliveTime, from: 0, "--keepalive-time")
    try check(keepaliveTimeout, from: 1, "--keepalive-timeout")
    try check(minPingInterval, from: 0, "--min-ping-interval")
    try check(maxConnectionIdle, from: 0, "--max-connection-idle")
    try check(maxConnectionAge, from: 0, "--max-connection-age")
    try check(maxConnectionAgeGrace, from: 0, "--max-connection-age-grace")
    try check(sendTimeout, from: 0, "--send-timeout")
    try check(compressFrom, from: 0, "--compress-from")
  }

  private func check(_ value: Int, from least: Int, _ option: String) throws {
    let most = 2_147_483_647
    guard (least...most).contains(value) else {
      throw ValidationError("\(option) is \(value), it must be from \(least) to \(most)")
    }
  }

  func apply(to limits: inout ServerLimits) {
    func time(_ seconds: Int) -> TimeAmount? { seconds == 0 ? nil : .seconds(Int64(seconds)) }
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
