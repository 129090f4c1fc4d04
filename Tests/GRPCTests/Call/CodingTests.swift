import NIOCore
import Testing

@testable import GRPC

@Suite struct CodingTests {
  @Test func base64RoundTrips() {
    for length in 0..<200 {
      let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max) }
      let text = Base64.encode(bytes)
      #expect(!text.contains("="))
      #expect(Base64.decode(text.utf8) == bytes)
      let padding = String(repeating: "=", count: (4 - text.count % 4) % 4)
      #expect(Base64.decode((text + padding).utf8) == bytes)
    }
  }

  @Test(arguments: ["!", "a", "ab=c", "abc==", "ab=", "=", "a b", "äöü", "AAAA====", "AAA====="])
  func base64RefusesOthers(text: String) {
    #expect(Base64.decode(text.utf8) == nil)
  }

  @Test(arguments: [
    ("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000), ("4m", 4_000_000),
    ("5u", 5_000), ("99999999n", 99_999_999),
  ])
  func timeoutsAreRead(text: String, nanoseconds: Int64) {
    #expect(parse(text) == .nanoseconds(nanoseconds))
  }

  @Test(arguments: ["", "S", "1", "-1S", "abc", "123456789S", "1 S", "1.5S", "1s"])
  func timeoutsAreRefused(text: String) {
    #expect(parse(text) == nil)
  }

  @Test func longTimeoutsDoNotOverflow() throws {
    let longest = try #require(parse("99999999H"))
    #expect(NIODeadline.now() + longest > NIODeadline.now())
  }

  private func parse(_ text: String) -> TimeAmount? {
    Array(text.utf8).withUnsafeBytes { Timeout.parse($0) }
  }

  @Test func messagesArePercentEncoded() {
    #expect(
      String(decoding: PercentEncoding.encode("50% of\nä~"), as: UTF8.self) == "50%25 of%0A%C3%A4~")
  }

  @Test func longMessagesAreCutAtACharacter() {
    let text = String(repeating: "ä", count: 1000)
    let encoded = String(decoding: PercentEncoding.encode(text, limit: 100), as: UTF8.self)
    #expect(encoded == String(repeating: "%C3%A4", count: 16) + "...")
    #expect(PercentEncoding.encode("abc", limit: 3) == Array("abc".utf8))
    #expect(PercentEncoding.encode("abcd", limit: 3) == Array("...".utf8))
  }

  @Test(arguments: [
    ("grpc-status", "0"), ("grpc-mine", "x"), ("content-type", "x"), ("te", "x"), (":path", "x"),
    ("", "x"), ("a b", "x"), ("ä", "x"), ("key", "ä"), ("key", "a\nb"), ("connection", "x"),
    ("user-agent", "x"),
  ])
  func metadataThatIsNotAServicesToSend(key: String, value: String) {
    var metadata = Metadata()
    metadata.add("fine", for: "x-fine")
    #expect(throws: Never.self) { try metadata.checkSendable() }
    metadata.add(wireValue: value, for: key)
    #expect(throws: RPCError.self) { try metadata.checkSendable() }
  }

  @Test func clientsAndServicesMaySendTheSame() {
    func isFine(_ check: () throws(RPCError) -> Void) -> Bool { (try? check()) != nil }
    for (key, client, service) in [
      ("x-fine", true, true), ("grpc-retry-pushback-ms", false, true), ("grpc-mine", false, false),
      ("te", false, false),
    ] {
      var metadata = Metadata()
      metadata.add("1", for: key)
      #expect(
        isFine { () throws(RPCError) in try metadata.checkSendable(from: .client) } == client,
        "\(key)")
      #expect(
        isFine { () throws(RPCError) in try metadata.checkSendable(from: .service) } == service,
        "\(key)")
      #expect(
        isFine { () throws(RPCError) in try RequestFields.check(metadata) } == client, "\(key)")
    }
  }

  @Test func binaryMetadataIsSplitAndDecoded() throws {
    var metadata = Metadata()
    metadata.add([1, 2, 3], for: "A-Bin")
    metadata.add(wireValue: "BAU=,BgcI", for: "a-bin")
    #expect(try metadata.binaryValues(for: "a-bin") == [[1, 2, 3], [4, 5], [6, 7, 8]])
    var spaced = Metadata()
    spaced.add(wireValue: "AAE, AAE=\t,Ag== ", for: "a-bin")
    #expect(try spaced.binaryValues(for: "a-bin") == [[0, 1], [0, 1], [2]])
    metadata.add(wireValue: "?", for: "a-bin")
    #expect(throws: RPCError.self) { try metadata.binaryValues(for: "a-bin") }
  }
}
