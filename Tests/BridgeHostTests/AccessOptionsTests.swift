import ArgumentParser
import GRPC
import Testing

@testable import BridgeHost

@Suite struct AccessOptionsTests {
  private static let socket = ServerAddress.unix(path: "/run/x.sock")
  private static let near = ServerAddress.tcp(host: "127.0.0.1", port: 1)
  private static let far = ServerAddress.tcp(host: "192.0.2.1", port: 1)

  @Test(
    arguments: [
      ([], socket), ([], near), ([], far), (["--tls"], near), (["--tls-ca", "a"], far),
      (["--token-file", "t"], socket), (["--token-file", "t"], near),
      (["--token-file", "t", "--tls"], far), (["--token-file", "t", "--insecure-remote"], far),
    ] as [([String], ServerAddress)])
  func whatKeepsATokenIsTaken(arguments: [String], address: ServerAddress) throws {
    try AccessOptions.parse(arguments).validate(for: address)
  }

  @Test(
    arguments: [
      (["--tls"], socket), (["--tls-ca", "a"], socket), (["--tls-server-name", "n"], socket),
      (["--tls-certificate", "c", "--tls-key", "k"], socket), (["--token-file", "t"], far),
    ] as [([String], ServerAddress)])
  func whatDoesNotIsRefused(arguments: [String], address: ServerAddress) throws {
    let options = try AccessOptions.parse(arguments)
    #expect(throws: ValidationError.self) { try options.validate(for: address) }
  }

  @Test func aCertificateNeedsItsKey() {
    #expect(throws: (any Error).self) { try AccessOptions.parse(["--tls-certificate", "c"]) }
    #expect(throws: (any Error).self) { try AccessOptions.parse(["--tls-key", "k"]) }
  }
}
