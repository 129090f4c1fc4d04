/// Which trace a piece of work belongs to, and which span it is.
///
/// Source: https://www.w3.org/TR/trace-context/ (traceparent)
struct SpanContext: Sendable, Equatable {
  /// 16 bytes, not all of them 0.
  let traceID: [UInt8]
  /// 8 bytes, not all of them 0.
  let spanID: [UInt8]
  /// Whether somebody keeps the trace.
  let isSampled: Bool

  /// The key under which it travels in metadata.
  static let key = "traceparent"

  init(traceID: [UInt8], spanID: [UInt8], isSampled: Bool) {
    self.traceID = traceID
    self.spanID = spanID
    self.isSampled = isSampled
  }

  /// Reads `00-<32 hexadecimal digits>-<16>-<2>`. Versions to come may have more behind that.
  ///
  /// - Returns: nil for what is malformed.
  init?(traceparent text: String) {
    let parts = text.split(separator: "-", maxSplits: 4, omittingEmptySubsequences: false)
    guard parts.count >= 4, let version = Self.bytes(parts[0], 1), version != [255],
      version != [0] || parts.count == 4,
      let traceID = Self.bytes(parts[1], 16), let spanID = Self.bytes(parts[2], 8),
      let flags = Self.bytes(parts[3], 1),
      traceID.contains(where: { $0 != 0 }), spanID.contains(where: { $0 != 0 })
    else { return nil }
    self.init(traceID: traceID, spanID: spanID, isSampled: flags[0] & 1 == 1)
  }

  /// A span of its own trace.
  ///
  /// - Parameter id: What joins the work where nobody traces it: the same id makes the same trace.
  static func root(joinedBy id: String) -> SpanContext {
    SpanContext(
      traceID: id.isEmpty ? randomBytes(16) : traceID(of: id), spanID: randomBytes(8),
      isSampled: true)
  }

  /// A span within this one.
  func child() -> SpanContext {
    SpanContext(traceID: traceID, spanID: Self.randomBytes(8), isSampled: isSampled)
  }

  /// As it travels.
  var text: String {
    "00-\(Self.hexadecimal(traceID))-\(Self.hexadecimal(spanID))-\(isSampled ? "01" : "00")"
  }

  // MARK: Bytes

  private static func bytes(_ text: Substring, _ count: Int) -> [UInt8]? {
    let digits = text.utf8
    // Upper case is malformed.
    guard digits.count == 2 * count,
      digits.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
    else { return nil }
    let values = digits.map { $0 < 58 ? $0 - 48 : $0 - 87 }
    return (0..<count).map { values[2 * $0] << 4 | values[2 * $0 + 1] }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private static func randomBytes(_ count: Int) -> [UInt8] {
    while true {
      let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max) }
      if bytes.contains(where: { $0 != 0 }) { return bytes }
    }
  }

  /// 32 hexadecimal digits are a trace's id as they are; of another text it is a hash.
  private static func traceID(of id: String) -> [UInt8] {
    if let bytes = bytes(id.lowercased()[...], 16), bytes.contains(where: { $0 != 0 }) {
      return bytes
    }
    return [UInt64(0), 1].flatMap { salt -> [UInt8] in
      // FNV-1a, 64 bits. Source: http://www.isthe.com/chongo/tech/comp/fnv/
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ salt
      for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) }
    }
  }
}
