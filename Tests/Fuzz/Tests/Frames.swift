/// HTTP/2 as a client sends it, mostly right: what is wholly random gets no further than the
/// preface.
enum Frames {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8]
  {
    let count = payload.count
    return [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
      + number(stream) + payload
  }

  static func number(_ value: UInt32) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }

  static func message(_ bytes: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    [flag] + number(UInt32(bytes.count)) + bytes
  }

  /// A field of a header block: literal, not indexed, not Huffman-coded (RFC 7541 section 6.2.2).
  static func field(_ name: String, _ value: String) -> [UInt8] {
    [0] + text(name) + text(value)
  }

  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8.prefix(1000))
    if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
    let rest = bytes.count - 127
    return [127] + (rest < 128 ? [UInt8(rest)] : [UInt8(rest & 127 | 128), UInt8(rest >> 7)])
      + bytes
  }

  /// A conversation of a few frames.
  static func conversation(using random: inout SeededGenerator) -> [UInt8] {
    var bytes = preface + frame(4, 0, 0, random.chance(3) ? settings(using: &random) : [])
    var stream: UInt32 = 1
    for _ in 0..<(1 + random.below(12)) {
      let earlier = 1 + 2 * UInt32(random.below(Int(stream / 2 + 1)))
      switch random.below(10) {
      case 0...3:
        let last: UInt8 = random.chance(6) ? 1 : 0
        let block = request(using: &random)
        if random.chance(5) && block.count > 2 {
          let middle = random.below(block.count)
          bytes += frame(1, last, stream, Array(block[..<middle]))
          bytes += frame(9, 4, stream, Array(block[middle...]))
        } else {
          bytes += frame(1, 4 | last, stream, block)
        }
        if !random.chance(4) {
          bytes += frame(0, random.chance(3) ? 0 : 1, stream, body(using: &random))
        }
        stream += 2
      case 4, 5: bytes += frame(0, random.chance(2) ? 1 : 0, earlier, body(using: &random))
      case 6: bytes += frame(3, 0, earlier, number(UInt32(random.below(14))))
      case 7:
        let target = random.chance(2) ? 0 : earlier
        let amount = random.pick([0, 1, 65_535, 0x7FFF_FFFF] as [UInt32])
        bytes += frame(8, 0, target, number(amount))
      case 8: bytes += frame(6, random.chance(4) ? 1 : 0, 0, random.bytes(8))
      default:
        bytes += frame(
          UInt8(random.below(12)), UInt8(random.below(64)), random.chance(2) ? 0 : earlier,
          random.bytes(random.below(20)))
      }
    }
    return bytes
  }

  private static func settings(using random: inout SeededGenerator) -> [UInt8] {
    (0..<random.below(5)).flatMap { _ in
      [0, UInt8(random.below(8))] + number(random.pick([0, 1, 16_384, 65_535, 0x7FFF_FFFF]))
    }
  }

  static let paths = ["/f/Unary", "/f/Each", "/f/Produce", "/f/Hang", "/f/Gzip", "/f/Nothing"]

  private static func request(using random: inout SeededGenerator) -> [UInt8] {
    var fields = [
      field(":method", random.chance(20) ? "GET" : "POST"), field(":scheme", "http"),
      field(":path", random.pick(paths)), field(":authority", "a"), field("te", "trailers"),
      field("content-type", random.chance(20) ? "text/plain" : "application/grpc"),
    ]
    let more = [
      ("grpc-timeout", ["1S", "10m", "1n", "99999999H", "x", ""]),
      ("grpc-encoding", ["gzip", "identity", "br"]),
      ("grpc-accept-encoding", ["gzip", "identity, deflate, gzip", " gzip ,x", ",", ""]),
      ("x-bin", ["AAEC", "AA==,BB", "?", ""]),
      ("x-text", ["a", String(repeating: "b", count: 900)]),
    ]
    for (name, values) in more where random.chance(3) {
      fields.append(field(name, random.pick(values)))
    }
    return fields.flatMap { $0 }
  }

  private static func body(using random: inout SeededGenerator) -> [UInt8] {
    (0..<random.below(4)).flatMap { _ in
      random.chance(5)
        ? message(random.bytes(random.below(40)), flag: UInt8(random.below(3)))
        : message(Array(String(random.below(3000)).utf8))
    }
  }
}
