internal import BridgeElixir
internal import BridgePluginHost
internal import GRPC
internal import Logging

/// The export of spans: it starts before the first call and ends after the last.
final class SpanExport: HostComponent {
  let name = "span export"
  private let exporter: SpanExporter

  init(_ endpoint: OTLPEndpoint, of telemetry: Telemetry, logger: Logger) throws {
    exporter = try SpanExporter(
      to: endpoint.address, tls: endpoint.usesTLS, of: telemetry, version: hostVersion,
      logger: logger)
  }

  func start() { exporter.start() }
  func stop() { exporter.stop() }
}
