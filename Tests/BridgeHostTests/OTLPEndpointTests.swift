import GRPC
import Testing

@testable import BridgeHost

@Suite struct OTLPEndpointTests {
  @Test(arguments: [
    ("http://collector:4317", "collector:4317", false), ("collector:4317", "collector:4317", false),
    ("HTTPS://[::1]:4317/", "[::1]:4317", true),
  ])
  func addresses(text: String, address: String, usesTLS: Bool) throws {
    let serve = try Serve.parse(["--otlp-endpoint", text])
    #expect(serve.otlpEndpoint?.address == (try ServerAddress(parsing: address)))
    #expect(serve.otlpEndpoint?.usesTLS == usesTLS)
  }

  @Test(arguments: [
    "", "collector", "ftp://collector:1", "http://collector:0", "unix:/s", "http://",
  ])
  func whatIsNone(text: String) {
    #expect(throws: (any Error).self) { try Serve.parse(["--otlp-endpoint", text]) }
  }
}
