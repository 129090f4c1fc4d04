import NIOCore
import Testing

@testable import GRPC

/// What is written reads back as it was, whatever it is.
@Suite struct RoundTripTests {
  private func text() -> String {
    let scalars = (0..<Int.random(in: 0..<30)).compactMap { _ in
      Unicode.Scalar(
        Bool.random() ? UInt32.random(in: 0..<0x80) : UInt32.random(in: 0x80...0x10_FFFF))
    }
    return String(String.UnicodeScalarView(scalars))
  }

  @Test func percentEncodedTexts() {
    for _ in 0..<2000 {
      let text = text()
      let encoded = PercentEncoding.encode(text)
      #expect(encoded.allSatisfy { (0x20...0x7E).contains($0) })
      #expect(PercentEncoding.decode(encoded) == text)
    }
  }

  @Test func cutTextsBeginAsTheWholeOnes() {
    for _ in 0..<2000 {
      let text = text()
      let limit = Int.random(in: 3..<60)
      let encoded = PercentEncoding.encode(text, limit: limit)
      #expect(encoded.count <= limit)
      let decoded = PercentEncoding.decode(encoded)
      #expect(
        decoded == text
          || decoded.hasSuffix("...")
            && text.unicodeScalars.starts(with: decoded.unicodeScalars.dropLast(3))
      )
    }
  }

  /// A time is never shortened, and by less than the unit it is written in lengthened.
  @Test func timeouts() throws {
    for _ in 0..<5000 {
      let time = Int64.random(in: 0..<(1 << Int64.random(in: 1..<62)))
      let text = Timeout.text(.nanoseconds(time))
      #expect((2...9).contains(text.utf8.count))
      let read = try #require(
        Array(text.utf8).withUnsafeBytes { Timeout.parse($0) }, "\(text)")
      let hundredYears: Int64 = 100 * 365 * 24 * 3_600_000_000_000
      let cut = min(time, hundredYears)
      #expect(read.nanoseconds >= cut, "\(text)")
      let unit: Int64 =
        switch text.last {
        case "n": 1
        case "u": 1000
        case "m": 1_000_000
        case "S": 1_000_000_000
        case "M": 60_000_000_000
        default: 3_600_000_000_000
        }
      #expect(read.nanoseconds - cut < unit, "\(time) as \(text)")
    }
  }

  @Test func binaryMetadata() throws {
    for _ in 0..<500 {
      let values = (0..<Int.random(in: 1..<5)).map { _ in
        (0..<Int.random(in: 0..<40)).map { _ in UInt8.random(in: .min ... .max) }
      }
      var metadata = Metadata()
      for value in values { metadata.add(value, for: "k-bin") }
      #expect(try metadata.binaryValues(for: "k-bin") == values)
      // Proxies may join them.
      var joined = Metadata()
      joined.add(wireValue: metadata.values(for: "k-bin").joined(separator: ","), for: "k-bin")
      #expect(try joined.binaryValues(for: "k-bin") == values)
      #expect(throws: Never.self) { try metadata.checkSendable() }
    }
  }

  @Test func addresses() throws {
    let hosts = ["127.0.0.1", "::1", "fe80::1%eth0", "localhost", "a.example", "[", "*"]
    for _ in 0..<500 {
      let host = hosts.randomElement()!
      let port = Int.random(in: 0...65_535)
      let address = ServerAddress.tcp(host: host, port: port)
      #expect(try ServerAddress(parsing: "\(address)") == address)
    }
    for path in ["/run/x", "relative", "/a b:1", "/ä"] {
      #expect(try ServerAddress(parsing: "\(ServerAddress.unix(path: path))") == .unix(path: path))
    }
  }
}
