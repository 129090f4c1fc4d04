import Glibc
import Testing

@testable import BridgeHost

@Suite struct ConfigurationFileTests {
  private static let path = "/etc/bridge-host.conf"

  private func entries(_ text: String) throws -> [ConfigurationFile.Entry] {
    try ConfigurationFile.entries(of: text, path: Self.path)
  }

  @Test func linesBecomeOptions() throws {
    let text = """
      # A comment.
      port = 50051

        listen=unix:/run/a=b.sock\r
      reflection = false
      insecure-remote = true
      tls-key =  /etc/a key.pem
      """
    #expect(
      try entries(text).flatMap(\.arguments) == [
        "--port", "50051", "--listen", "unix:/run/a=b.sock", "--no-reflection",
        "--insecure-remote", "--tls-key", "/etc/a key.pem",
      ])
    #expect(try entries(text).map(\.line) == [2, 4, 5, 6, 7])
  }

  @Test(arguments: [
    "port", "= 7", "--port = 7", "port 7", "config = other", "po rt = 7", "p\u{7F}t = 7",
  ])
  func otherLinesAreNamed(line: String) {
    let error = #expect(throws: PlainError.self) { try entries("# first\n\(line)\n") }
    #expect(error?.description.hasPrefix("\(Self.path), line 2: ") == true)
  }

  @Test func theCommandLineCountsInstead() throws {
    let file = try write("port = 1\nlisten = unix:/a\nreflection = false\ngrace = 7\n")
    #expect(
      file.merged(with: ["--port=2", "--reflection", "--listen", "unix:/b"]) == [
        "--grace", "7", "--port=2", "--reflection", "--listen", "unix:/b",
      ])
    #expect(file.merged(with: ["--no-reflection"]).count == 7)
  }

  @Test func aWrongLineIsFoundAmongOthers() throws {
    #expect(try write("port = 0\ngrace = 5\n").wrongLine() == nil)
    #expect(try write("port = 0\nprot = 5\n").wrongLine()?.line == 2)
    #expect(try write("grace = soon\nport = 0\n").wrongLine()?.line == 1)
    // What is wrong only together with others has no line.
    #expect(try write("tls-certificate = x\n").wrongLine() == nil)
  }

  @Test(arguments: [
    (["--config", "a"], "a"), (["--port", "1", "--config=b"], "b"), (["--config"], nil), ([], nil),
  ])
  func thePathIsFound(arguments: [String], path: String?) {
    #expect(ConfigurationFile.path(in: arguments) == path)
  }

  @Test func aFileThatOthersCanWriteIsNotUsed() throws {
    let path = try temporaryFile("port = 0\n")
    defer { unlink(path) }
    chmod(path, 0o666)
    #expect(throws: PlainError.self) { try ConfigurationFile(path: path) }
  }

  /// Every option and flag of `serve` can stand in a file.
  @Test func everyFlagTakesTrueAndFalse() throws {
    let flags = Serve.helpMessage(columns: 1000).split(separator: "\n").compactMap { line in
      line.firstMatch(of: /^  --([a-z-]+)\/--no-/)?.1
    }
    #expect(
      Set(flags) == [
        "auto-create-sessions", "exit-on-stdin-eof", "insecure-remote", "reflection",
        "variables-insecure-remote", "variables-tls", "watch-plugins",
      ])
    for flag in flags {
      _ = try Serve.parse(write("\(flag) = true\n").merged(with: []))
      _ = try Serve.parse(write("\(flag) = false\n").merged(with: []))
    }
  }

  private func write(_ text: String) throws -> ConfigurationFile {
    let path = try temporaryFile(text)
    defer { unlink(path) }
    return try ConfigurationFile(path: path)
  }

  private func temporaryFile(_ text: String) throws -> String {
    var name = Array("/tmp/configuration-XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    #expect(Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count)
    return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
