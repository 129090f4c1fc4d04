internal import CNghttp2

/// Header fields on their way into nghttp2, which copies them while submitting.
struct HeaderFields {
  private var bytes: [UInt8] = []
  private var fields: [(name: Range<Int>, value: Range<Int>)] = []

  mutating func add(_ name: String, _ value: String) {
    add(Array(name.utf8), Array(value.utf8))
  }

  mutating func add(_ name: String, _ value: [UInt8]) {
    add(Array(name.utf8), value)
  }

  private mutating func add(_ name: [UInt8], _ value: [UInt8]) {
    let start = bytes.count
    bytes += name
    let middle = bytes.count
    bytes += value
    fields.append((start..<middle, middle..<bytes.count))
  }

  mutating func append(_ more: HeaderFields) {
    for field in more.fields { add(Array(more.bytes[field.name]), Array(more.bytes[field.value])) }
  }

  /// Adds what a service may send.
  mutating func add(_ metadata: Metadata) {
    for entry in metadata.entries where entry.isSendable { add(entry.key, entry.wireValue) }
  }

  /// The fields as they stand on the wire, in order.
  var entries: [(name: String, value: String)] {
    fields.map {
      (
        String(decoding: bytes[$0.name], as: UTF8.self),
        String(decoding: bytes[$0.value], as: UTF8.self)
      )
    }
  }

  /// What a field adds to a list, as RFC 9113 section 6.5.2 counts.
  static func listSize(_ name: String, _ valueSize: Int) -> Int {
    name.utf8.count + valueSize + 32
  }

  /// Calls `body` with the fields as nghttp2 takes them, valid until it returns.
  func withUnsafe<Result>(_ body: (UnsafePointer<nghttp2_nv>, Int) -> Result) -> Result {
    var copy = bytes
    return copy.withUnsafeMutableBufferPointer { storage in
      let base = storage.baseAddress
      let list = fields.map { field in
        nghttp2_nv(
          name: base.map { $0 + field.name.lowerBound },
          value: base.map { $0 + field.value.lowerBound },
          namelen: field.name.count, valuelen: field.value.count,
          flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
      }
      return list.withUnsafeBufferPointer { body($0.baseAddress!, $0.count) }
    }
  }
}

/// The fields of most answers, made once: they live as long as the process.
enum FixedHeaders {
  /// `:status 200`, `content-type application/grpc`.
  nonisolated(unsafe) static let response = make([
    (":status", "200"), ("content-type", "application/grpc"),
  ])
  /// The same, and `grpc-accept-encoding`.
  nonisolated(unsafe) static let announcingResponse = make([
    (":status", "200"), ("content-type", "application/grpc"),
    ("grpc-accept-encoding", MessageEncoding.accepted),
  ])
  /// `grpc-status 0`.
  nonisolated(unsafe) static let okTrailers = make([("grpc-status", "0")])

  private static func make(_ fields: [(String, String)]) -> UnsafeBufferPointer<nghttp2_nv> {
    let list = UnsafeMutableBufferPointer<nghttp2_nv>.allocate(capacity: fields.count)
    let flags = NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
    for (index, field) in fields.enumerated() {
      list.initializeElement(
        at: index,
        to: nghttp2_nv(
          name: permanent(field.0), value: permanent(field.1),
          namelen: field.0.utf8.count, valuelen: field.1.utf8.count, flags: UInt8(flags)))
    }
    return UnsafeBufferPointer(list)
  }

  private static func permanent(_ text: String) -> UnsafeMutablePointer<UInt8> {
    let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
    _ = bytes.initialize(from: text.utf8)
    return bytes.baseAddress!
  }
}
