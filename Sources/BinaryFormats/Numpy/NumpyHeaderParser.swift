/// Reads the header of a .npy file: the text of a Python dictionary with the keys `descr`,
/// `fortran_order` and `shape`.
///
/// It knows just the literals such headers have, and evaluates nothing.
struct NumpyHeaderParser {
  struct Header {
    var type: DataType
    var isFortranOrder: Bool
    var shape: [Int]
  }

  private let reader: ByteReader
  private var bytes: [UInt8] { reader.bytes }
  private var offset: Int
  private let end: Int

  /// - Parameter reader: Has the bytes of the file; `from` and `to` say where its header lies.
  init(_ reader: ByteReader, from start: Int, to end: Int) {
    self.reader = reader
    offset = start
    self.end = min(end, reader.bytes.count)
  }

  mutating func parse() throws(BinaryFormatError) -> Header {
    let start = offset
    var type: DataType?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !skip("}") {
      let position = offset
      let key = try string()
      try expect(":")
      switch key {
      case "descr" where type == nil: type = try dataType()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try boolean()
      case "shape" where shape == nil: shape = try tuple()
      default: throw reader.error("unexpected key '\(key)' in the header", at: position)
      }
      guard skip(",") || next == UInt8(ascii: "}") else { throw unexpected("a comma or }") }
    }
    guard next == nil else { throw unexpected("the end of the header") }
    guard let type, let isFortranOrder, let shape else {
      throw reader.error("the header must have descr, fortran_order and shape", at: start)
    }
    return Header(type: type, isFortranOrder: isFortranOrder, shape: shape)
  }

  private mutating func dataType() throws(BinaryFormatError) -> DataType {
    guard next == UInt8(ascii: "'") || next == UInt8(ascii: "\"") else {
      throw unexpected("the dtype of numbers; structured dtypes are not read")
    }
    let position = offset
    let name = try string()
    guard let type = DataType(name) else {
      throw reader.error(
        "dtype '\(name)' is not read; use one of: \(DataType.names)", at: position)
    }
    return type
  }

  private mutating func boolean() throws(BinaryFormatError) -> Bool {
    for (word, value) in [("True", true), ("False", false)] where next == word.utf8.first {
      guard bytes[offset..<end].starts(with: word.utf8) else { break }
      offset += word.utf8.count
      return value
    }
    throw unexpected("True or False")
  }

  private mutating func tuple() throws(BinaryFormatError) -> [Int] {
    var lengths: [Int] = []
    try expect("(")
    while !skip(")") {
      lengths.append(try integer())
      guard skip(",") || next == UInt8(ascii: ")") && lengths.count > 1 else {
        throw unexpected("a comma")
      }
    }
    return lengths
  }

  private mutating func integer() throws(BinaryFormatError) -> Int {
    guard let first = next, first.isDigit else { throw unexpected("a length") }
    let position = offset
    var value = 0
    while offset < end, bytes[offset].isDigit {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      guard !overflow, product < 1 << 62 else {
        throw reader.error("a length is too large", at: position)
      }
      value = product + Int(bytes[offset] - UInt8(ascii: "0"))
      offset += 1
    }
    // Python 2 marked long integers.
    if offset < end, bytes[offset] == UInt8(ascii: "L") { offset += 1 }
    return value
  }

  private mutating func string() throws(BinaryFormatError) -> String {
    guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw unexpected("a string")
    }
    let start = offset + 1
    guard
      let close = bytes[start..<end].firstIndex(where: { $0 == quote || $0 == UInt8(ascii: "\\") }),
      bytes[close] == quote
    else { throw unexpected("a string without escapes") }
    offset = close + 1
    return String(decoding: bytes[start..<close], as: UTF8.self)
  }

  /// The next byte that is no white space; nil at the end.
  private var next: UInt8? {
    mutating get {
      while offset < end, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
      return offset < end ? bytes[offset] : nil
    }
  }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(BinaryFormatError) {
    guard skip(character) else { throw unexpected("\(character)") }
  }

  private mutating func unexpected(_ expected: String) -> BinaryFormatError {
    let found = next.map { "'\(Unicode.Scalar($0))'" } ?? "the end"
    return reader.error("expected \(expected) in the header, got \(found)", at: offset)
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}
