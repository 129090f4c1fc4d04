internal import BridgeProtocol
public import GRPC
internal import GRPCProtobuf
public import Logging
internal import Threads

/// StreamTelemetry: events for those who have the stream open.
///
/// Thread-safe.
public final class TelemetryStreams: Sendable {
  let telemetry: Telemetry
  let logger: Logger
  private let streams = Locked((open: [ObjectIdentifier: TelemetryStream](), isEnding: false))

  /// Streams that may be open at once.
  static let limit = 16

  /// - Parameter telemetry: What the streams listen to.
  public init(_ telemetry: Telemetry, logger: Logger) {
    self.telemetry = telemetry
    self.logger = logger
  }

  /// Its method, for a `GRPCServer`.
  public var methods: [RPCMethod] {
    [
      // Snakepit gives it the timeout that opening it may take, and means it to last.
      .requestStream(BridgeMethods.streamTelemetry.path, ignoresDeadline: true) {
        [self] call throws(RPCError) in
        let stream = TelemetryStream(self, call)
        try begin(stream)
        return stream
      }
    ]
  }

  private func begin(_ stream: TelemetryStream) throws(RPCError) {
    let refusal = streams.withLock { streams -> RPCError? in
      if streams.isEnding { return RPCError(.unavailable, "the host is shutting down") }
      guard streams.open.count < Self.limit else {
        return RPCError(
          .resourceExhausted, "there are \(Self.limit) telemetry streams, the most there may be")
      }
      streams.open[ObjectIdentifier(stream)] = stream
      return nil
    }
    if let refusal { throw refusal }
    stream.begin()
    telemetry.changed(stream)
  }

  func ended(_ stream: TelemetryStream) {
    streams.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(stream)) }
    telemetry.remove(stream)
  }

  /// Ends all streams well, with what they have, and takes no more: a shutdown would wait for them.
  public func end() {
    let open = streams.withLock { streams in
      streams.isEnding = true
      return Array(streams.open.values)
    }
    for stream in open { stream.end() }
  }
}
