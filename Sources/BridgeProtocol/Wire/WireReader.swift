/// Reads protobuf messages field by field; the counterpart of `WireWriter`.
///
/// Works on borrowed bytes and copies nothing but the strings and bytes it hands out.
struct WireReader {
  private let bytes: UnsafeRawBufferPointer
  // An offset instead of a slice: those are generic code, several times slower.
  private var position = 0
  private(set) var field = 0
  private(set) var wireType: WireWriter.WireType = .varint

  struct Malformed: Error {}

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// Moves to the next field; false at the end.
  mutating func next() throws(Malformed) -> Bool {
    guard position < bytes.count else { return false }
    let start = position
    let tag = try varint()
    // A tag is a uint32: in more than five bytes it is not well-formed.
    guard position - start <= 5, tag <= UInt32.max, tag >> 3 > 0,
      let type = WireWriter.WireType(rawValue: UInt32(tag & 7))
    else { throw Malformed() }
    field = Int(tag >> 3)
    wireType = type
    return true
  }

  mutating func skip() throws(Malformed) {
    switch wireType {
    case .varint: _ = try varint()
    case .fixed64: try drop(8)
    case .fixed32: try drop(4)
    case .lengthDelimited: try drop(try length())
    }
  }

  /// The bytes of a length-delimited field, valid as long as the message is.
  mutating func view() throws(Malformed) -> UnsafeRawBufferPointer {
    guard wireType == .lengthDelimited else { throw Malformed() }
    let count = try length()
    let view = UnsafeRawBufferPointer(
      start: bytes.baseAddress.map { $0 + position }, count: count)
    position += count
    return view
  }

  mutating func string() throws(Malformed) -> String { try Self.text(try view()) }

  /// The text of a view.
  static func text(_ bytes: UnsafeRawBufferPointer) throws(Malformed) -> String {
    // Names are ASCII as a rule: that is checked far quicker than UTF-8.
    if bytes.isASCII { return String(decoding: bytes, as: UTF8.self) }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw Malformed() }
    return text
  }

  mutating func int64() throws(Malformed) -> Int64 {
    guard wireType == .varint else { throw Malformed() }
    return Int64(bitPattern: try varint())
  }

  mutating func fixed64() throws(Malformed) -> UInt64 {
    guard wireType == .fixed64, restCount >= 8 else { throw Malformed() }
    let value = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
    position += 8
    return UInt64(littleEndian: value)
  }

  mutating func fixed32() throws(Malformed) -> UInt32 {
    guard wireType == .fixed32, restCount >= 4 else { throw Malformed() }
    let value = bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
    position += 4
    return UInt32(littleEndian: value)
  }

  /// One entry of a `map<string, string>`.
  mutating func mapEntry() throws(Malformed) -> (key: String, value: String) {
    var entry = WireReader(try view())
    var key = ""
    var value = ""
    while try entry.next() {
      switch entry.field {
      case 1: key = try entry.string()
      case 2: value = try entry.string()
      default: try entry.skip()
      }
    }
    return (key, value)
  }

  private var restCount: Int { bytes.count - position }

  private mutating func length() throws(Malformed) -> Int {
    let count = try varint()
    guard count <= UInt64(restCount) else { throw Malformed() }
    return Int(count)
  }

  private mutating func drop(_ count: Int) throws(Malformed) {
    guard count <= restCount else { throw Malformed() }
    position += count
  }

  private mutating func varint() throws(Malformed) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { throw Malformed() }
    }
    throw Malformed()
  }
}

extension UnsafeRawBufferPointer {
  fileprivate var isASCII: Bool {
    var all: UInt8 = 0
    for byte in self { all |= byte }
    return all < 0x80
  }
}
