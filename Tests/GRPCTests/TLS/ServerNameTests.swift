import Testing

@testable import GRPC

@Suite struct ServerNameTests {
  @Test(arguments: [
    ("localhost", "localhost", true), ("LOCALHOST", "localhost", true),
    ("localhost.", "localhost", true), ("localhost", "LocalHost.", true),
    ("a.example.test", "*.example.test", true), ("a.example.test", "A.Example.Test", true),
    ("localhost", "localhost.example.test", false), ("example.test", "*.example.test", false),
    ("a.b.example.test", "*.example.test", false), (".example.test", "*.example.test", false),
    ("a.example.test", "a*.example.test", false), ("a.example.test", "*", false),
    ("a.test", "*.test", false), ("a.example.test", "*.*.test", false),
    ("a.example.test", "b.example.test", false), ("localhost", "localhost\u{0}.test", false),
    ("localhost", "", false),
  ])
  func namesAreCompared(expected: String, presented: String, matches: Bool) throws {
    #expect(try ServerName(expected).isAmong([.dns("other"), .dns(presented)]) == matches)
  }

  @Test func addressesAreComparedByTheirBytes() throws {
    let loopback = PeerCertificate.Name.ip([127, 0, 0, 1])
    let sixth = PeerCertificate.Name.ip([UInt8](repeating: 0, count: 15) + [1])
    #expect(try ServerName("127.0.0.1").isAmong([loopback]))
    #expect(try ServerName("::1").isAmong([loopback, sixth]))
    #expect(try ServerName("0:0:0:0:0:0:0:1").isAmong([sixth]))
    #expect(try ServerName("::1%lo").isAmong([sixth]))
    #expect(try !ServerName("127.0.0.2").isAmong([loopback]))
    #expect(try !ServerName("::ffff:127.0.0.1").isAmong([loopback]))
    // An address is not a name, whatever a certificate says.
    #expect(try !ServerName("127.0.0.1").isAmong([.dns("127.0.0.1"), .uri("127.0.0.1")]))
    #expect(try !ServerName("127.0.0.1").isAmong([]))
  }

  @Test func namesAreIndicatedAndAddressesAreNot() throws {
    #expect(try ServerName("Example.Test.").indication == "example.test")
    #expect(try ServerName("127.0.0.1").indication == nil)
    #expect(try ServerName("::1").indication == nil)
  }

  @Test(arguments: ["", ".", "a b", "a\u{0}b", "ä.test", String(repeating: "x", count: 256)])
  func whatIsNoNameIsRefused(text: String) {
    #expect(throws: TransportError.self) { try ServerName(text) }
  }
}
