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
}
