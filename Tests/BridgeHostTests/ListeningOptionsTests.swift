import ArgumentParser
import Testing

@testable import BridgeHost

@Suite struct ListeningOptionsTests {
  private func refusal(_ arguments: [String]) -> String? {
    do {
      _ = try ListeningOptions.parse(arguments)
      return nil
    } catch {
      return ListeningOptions.message(for: error)
    }
  }

  @Test(arguments: [
    [], ["--listen", "127.0.0.1:1"], ["--listen", "unix:/run/x.sock"], ["--host", "::1"],
    ["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"],
    ["--listen", "0.0.0.0:1", "--insecure-remote"],
    [
      "--listen", "0.0.0.0:1", "--tls-certificate", "c", "--tls-key", "k", "--token-file", "t",
    ],
    [
      "--listen", "0.0.0.0:1", "--tls-certificate", "c", "--tls-key", "k", "--tls-client-ca", "a",
    ],
  ])
  func whatIsSafeIsTaken(arguments: [String]) {
    #expect(refusal(arguments) == nil)
  }

  @Test(arguments: [
    (["--listen", "0.0.0.0:1"], "may be reached from other machines"),
    (["--host", "0.0.0.0"], "may be reached from other machines"),
    (["--listen", "0.0.0.0:1", "--token-file", "t"], "it needs TLS"),
    (
      ["--listen", "0.0.0.0:1", "--tls-certificate", "c", "--tls-key", "k"],
      "a way to know clients"
    ),
    (["--tls-certificate", "c"], "go together"),
    (["--tls-key", "k"], "go together"),
    (["--tls-client-ca", "a"], "needs --tls-certificate"),
    (
      ["--listen", "unix:/x", "--tls-certificate", "c", "--tls-key", "k"], "is for TCP addresses"
    ),
    (["--listen", "127.0.0.1:7", "--listen", "127.0.0.1:7"], "given twice"),
  ])
  func whatIsNotIsRefusedWithItsReason(arguments: [String], part: String) {
    #expect(refusal(arguments)?.contains(part) == true, "\(refusal(arguments) ?? "taken")")
  }
}
