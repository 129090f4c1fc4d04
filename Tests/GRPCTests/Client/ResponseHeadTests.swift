import NIOCore
import Testing

@testable import GRPC

@Suite struct ResponseHeadTests {
  private func head(_ fields: [(String, String)], limit: Int = 10_000) -> ResponseHead {
    var head = ResponseHead()
    for (name, value) in fields {
      Array(name.utf8).withUnsafeBytes { name in
        Array(value.utf8).withUnsafeBytes { value in
          head.add(name: name, value: value, limit: limit)
        }
      }
    }
    return head
  }

  @Test func trailersAreRead() {
    let end = head([
      ("grpc-status", "9"), ("grpc-message", "not%20now%21%"), ("x-a", "1"),
      ("grpc-status-details-bin", "AQID"), ("grpc-retry-pushback-ms", "50"),
    ]).end
    #expect(end.error?.code == .failedPrecondition)
    #expect(end.error?.message == "not now!%")
    #expect(end.error?.details == [1, 2, 3])
    #expect(end.trailers.entries.map(\.key) == ["x-a"])
    #expect(end.pushback == .after(.milliseconds(50)))
    #expect(head([("grpc-status", "0"), ("grpc-message", "fine")]).end.error == nil)
  }

  @Test(arguments: ["17", "-1", "abc", "", "0 ", "4294967296"])
  func statusesThatDoNotExistAreUnknown(status: String) {
    let end = head([("grpc-status", status), ("grpc-message", "why")]).end
    #expect(end.error?.code == .unknown)
    #expect(end.error?.message.contains("why") == true)
    #expect(end.error?.message.contains("\"\(status)\"") == true)
  }

  @Test(arguments: [
    (400, StatusCode.internalError), (401, .unauthenticated), (403, .permissionDenied),
    (404, .unimplemented), (429, .unavailable), (502, .unavailable), (503, .unavailable),
    (504, .unavailable), (200, .unknown), (500, .unknown), (302, .unknown),
  ])
  func otherResponsesAreMapped(status: Int, code: StatusCode) {
    let end = head([(":status", "\(status)"), ("content-type", "text/html")]).end
    #expect(end.error?.code == code)
    #expect(end.error?.message.contains("HTTP \(status) with content-type text/html") == true)
  }

  @Test func aStatusOfGRPCBeatsThatOfHTTP() {
    let end = head([(":status", "503"), ("grpc-status", "5")]).end
    #expect(end.error?.code == .notFound)
  }

  @Test(arguments: [
    ("application/grpc", true), ("application/grpc+proto", true),
    ("application/grpc;charset=utf-8", true), ("application/grpc-web", false),
    ("application/json", false), ("", false),
  ])
  func contentTypes(type: String, isGRPC: Bool) {
    #expect(head([(":status", "200"), ("content-type", type)]).isGRPC == isGRPC)
  }

  @Test func fieldsOverTheLimitAreCountedOnly() {
    let head = head([("x", String(repeating: "a", count: 100)), ("y", "b")], limit: 50)
    #expect(head.metadata.isEmpty)
    #expect(head.listSize == 167)
  }

  @Test(arguments: [
    (0 as UInt32, StatusCode.internalError), (1, .internalError), (2, .internalError),
    (3, .internalError), (5, .unknown), (7, .unavailable), (8, .cancelled),
    (11, .resourceExhausted), (12, .permissionDenied), (13, .unknown), (99, .unknown),
  ])
  func resetsAreMapped(errorCode: UInt32, code: StatusCode) {
    #expect(StatusCode(resetWith: errorCode) == code)
  }

  @Test(arguments: [
    (TimeAmount.nanoseconds(1), "1n"), (.milliseconds(250), "250000u"),
    (.seconds(99), "99000000u"), (.seconds(100), "100000m"), (.hours(1), "3600000m"),
    (.hours(24 * 365), "31536000S"), (.seconds(-5), "0n"), (.nanoseconds(100_000_001), "100001u"),
  ])
  func timeoutsAreWritten(amount: TimeAmount, expected: String) {
    #expect(Timeout.text(amount) == expected)
    let read = Array(expected.utf8).withUnsafeBytes { Timeout.parse($0) }
    #expect((read ?? .zero) >= max(amount, .zero))
  }

  @Test func percentEncodingRoundTrips() {
    for text in ["", "a", "50% of\nä~", "100%", "%zz", "😀"] {
      #expect(PercentEncoding.decode(PercentEncoding.encode(text)) == text)
    }
    #expect(PercentEncoding.decode(Array("%e4%zz%4".utf8)) == "\u{FFFD}%zz%4")
  }
}
