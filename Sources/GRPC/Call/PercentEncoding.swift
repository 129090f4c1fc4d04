/// The encoding of `grpc-message`: UTF-8 bytes outside 0x20...0x7E, and `%`, become `%XX`.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Percent-Encoded)
enum PercentEncoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// - Parameter limit: A text whose encoding is longer is cut, at a character, and ends in "...".
  static func encode(_ text: String, limit: Int = .max) -> [UInt8] {
    let whole = encodeWhole(text.utf8.prefix(limit))
    guard whole.count > limit || text.utf8.count > limit else { return whole }
    var encoded: [UInt8] = []
    for character in text {
      let next = encodeWhole(String(character).utf8.prefix(limit))
      if encoded.count + next.count + 3 > limit { break }
      encoded += next
    }
    return encoded + Array("...".utf8)
  }

  private static func encodeWhole(_ text: some Sequence<UInt8>) -> [UInt8] {
    var encoded: [UInt8] = []
    for byte in text {
      if byte >= 0x20 && byte <= 0x7E && byte != UInt8(ascii: "%") {
        encoded.append(byte)
      } else {
        encoded.append(UInt8(ascii: "%"))
        encoded.append(digits[Int(byte >> 4)])
        encoded.append(digits[Int(byte & 15)])
      }
    }
    return encoded
  }

  /// The text that was encoded. What is not an encoding stands for itself: a message that a peer
  /// did not encode is better than none.
  static func decode(_ encoded: some Sequence<UInt8>) -> String {
    let encoded = Array(encoded)
    var bytes: [UInt8] = []
    var index = 0
    while index < encoded.count {
      if encoded[index] == UInt8(ascii: "%"), index + 2 < encoded.count,
        let high = hexDigit(encoded[index + 1]), let low = hexDigit(encoded[index + 2])
      {
        bytes.append(high << 4 | low)
        index += 3
      } else {
        bytes.append(encoded[index])
        index += 1
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func hexDigit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
