/// A cursor over bytes that may end too early or say anything.
struct ByteReader {
  let bytes: [UInt8]
  let format: BinaryFormat
  /// Where the next byte is.
  private(set) var offset = 0

  init(_ bytes: [UInt8], _ format: BinaryFormat) {
    self.bytes = bytes
    self.format = format
  }

  var remaining: Int { bytes.count - offset }

  /// An error about the byte at a position, the next one by default.
  func error(
    _ message: String, at position: Int? = nil, _ code: BinaryFormatError.Code = .malformed
  ) -> BinaryFormatError {
    BinaryFormatError(code, format, at: position ?? offset, message)
  }

  mutating func byte() throws(BinaryFormatError) -> UInt8 {
    guard offset < bytes.count else { throw ends(1) }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func littleEndian<T: FixedWidthInteger>(_: T.Type) throws(BinaryFormatError) -> T {
    T(littleEndian: try load())
  }

  mutating func bigEndian<T: FixedWidthInteger>(_: T.Type) throws(BinaryFormatError) -> T {
    T(bigEndian: try load())
  }

  /// A length of 32 bits, of what takes at least one byte each.
  mutating func bigEndianCount(of what: StaticString) throws(BinaryFormatError) -> Int {
    let count = Int(try bigEndian(UInt32.self))
    guard count <= remaining else {
      throw error("\(count) \(what) are announced, but only \(remaining) bytes follow")
    }
    return count
  }

  mutating func take(_ count: Int) throws(BinaryFormatError) -> ArraySlice<UInt8> {
    guard count <= remaining else { throw ends(count) }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  /// The text up to the next line feed, which is passed over.
  mutating func line(limit: Int = 64) throws(BinaryFormatError) -> String {
    String(decoding: try lineBytes(limit: limit), as: UTF8.self)
  }

  /// The bytes up to the next line feed, which is passed over.
  mutating func lineBytes(limit: Int) throws(BinaryFormatError) -> ArraySlice<UInt8> {
    let text = bytes[offset...].prefix(limit)
    guard let end = text.firstIndex(of: UInt8(ascii: "\n")) else {
      throw error("expected a line of at most \(limit) bytes")
    }
    defer { offset = end + 1 }
    return bytes[offset..<end]
  }

  private mutating func load<T: FixedWidthInteger>() throws(BinaryFormatError) -> T {
    let width = MemoryLayout<T>.size
    guard width <= remaining else { throw ends(width) }
    defer { offset += width }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
  }

  private func ends(_ count: Int) -> BinaryFormatError {
    error("ends too early: \(count) more bytes are needed, there are \(remaining)")
  }
}
