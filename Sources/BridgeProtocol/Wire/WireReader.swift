/// Reads protobuf messages field by field; the counterpart of `WireWriter`.
///
/// Works on borrowed bytes and copies nothing but the strings and bytes it hands out.
struct WireReader {
  private var rest: Slice<UnsafeRawBufferPointer>
  private(set) var field = 0
  private var wireType: WireWriter.WireType = .varint

  struct Malformed: Error {}

  init(_ bytes: UnsafeRawBufferPointer) {
    rest = bytes[...]
  }

  /// Moves to the next field; false at the end.
  mutating func next() throws(Malformed) -> Bool {
    guard !rest.isEmpty else { return false }
    let tag = try varint()
    guard tag <= UInt32.max, tag >> 3 > 0, let type = WireWriter.WireType(rawValue: UInt32(tag & 7))
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
    let view = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    try drop(count)
    return view
  }

  mutating func string() throws(Malformed) -> String {
    let bytes = try view()
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
    guard wireType == .fixed64, rest.count >= 8 else { throw Malformed() }
    let value = UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: UInt64.self)
    try drop(8)
    return UInt64(littleEndian: value)
  }

  mutating func fixed32() throws(Malformed) -> UInt32 {
    guard wireType == .fixed32, rest.count >= 4 else { throw Malformed() }
    let value = UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: UInt32.self)
    try drop(4)
    return UInt32(littleEndian: value)
  }

  /// Adds one entry of a `map<string, string>`.
  mutating func entry(into map: inout [String: String]) throws(Malformed) {
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
    map[key] = value
  }

  private mutating func length() throws(Malformed) -> Int {
    let count = try varint()
    guard count <= UInt64(rest.count) else { throw Malformed() }
    return Int(count)
  }

  private mutating func drop(_ count: Int) throws(Malformed) {
    guard count <= rest.count else { throw Malformed() }
    rest = rest.dropFirst(count)
  }

  private mutating func varint() throws(Malformed) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.first {
      rest = rest.dropFirst()
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
