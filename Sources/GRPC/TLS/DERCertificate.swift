/// The little of a DER certificate that BoringSSL's Swift interface does not tell.
///
/// Sources: RFC 5280 section 4.1 (the fields), X.690 section 8.1 (tag, length, content).
enum DERCertificate {
  /// The last common name of the subject, which is the most specific one.
  static func commonName(of certificate: [UInt8]) -> String? {
    var file = Reader(certificate[...])
    guard var outer = file.enter(Tag.sequence), var body = outer.enter(Tag.sequence) else {
      return nil
    }
    _ = body.enter(Tag.version)
    // Serial number, signature algorithm, issuer, validity.
    for tag in [Tag.integer, Tag.sequence, Tag.sequence, Tag.sequence] {
      guard body.enter(tag) != nil else { return nil }
    }
    guard var subject = body.enter(Tag.sequence) else { return nil }
    var name: String?
    while var set = subject.enter(Tag.set) {
      while var attribute = set.enter(Tag.sequence) {
        guard attribute.enter(Tag.object)?.bytes.elementsEqual(commonNameObject) == true,
          let (tag, value) = attribute.next(), Tag.texts.contains(tag)
        else { continue }
        name = String(decoding: value.bytes, as: UTF8.self)
      }
    }
    return name
  }

  /// 2.5.4.3
  private static let commonNameObject: [UInt8] = [0x55, 0x04, 0x03]

  private enum Tag {
    static let integer: UInt8 = 0x02
    static let object: UInt8 = 0x06
    static let sequence: UInt8 = 0x30
    static let set: UInt8 = 0x31
    static let version: UInt8 = 0xA0
    /// UTF8String, PrintableString and IA5String: all read as UTF-8.
    static let texts: [UInt8] = [0x0C, 0x13, 0x16]
  }

  private struct Reader {
    private(set) var bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// The next element if it has this tag; otherwise nothing is consumed.
    mutating func enter(_ tag: UInt8) -> Reader? {
      bytes.first == tag ? next()?.content : nil
    }

    mutating func next() -> (tag: UInt8, content: Reader)? {
      var rest = bytes
      guard let tag = rest.popFirst(), let first = rest.popFirst() else { return nil }
      var length = Int(first)
      if first >= 0x80 {
        let count = Int(first & 0x7F)
        guard (1...3).contains(count), rest.count >= count else { return nil }
        length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(count)
      }
      guard rest.count >= length else { return nil }
      bytes = rest.dropFirst(length)
      return (tag, Reader(rest.prefix(length)))
    }
  }
}
