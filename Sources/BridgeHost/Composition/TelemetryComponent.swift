internal import BridgeElixir
internal import Logging

/// What happens in the host, and the streams that tell of it.
final class TelemetryComponent: HostComponent {
  let name = "telemetry"
  let telemetry = Telemetry()
  let streams: TelemetryStreams

  init(logger: Logger) { streams = TelemetryStreams(telemetry, logger: logger) }

  func start() {}

  /// Streams would keep a shutdown waiting for ever.
  func drain() { streams.end() }
}
