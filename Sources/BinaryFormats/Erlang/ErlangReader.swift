/// Reads nested lists of numbers in Erlang's external term format.
///
/// Tuples are read as lists. The atoms `nan`, `infinity` and `neg_infinity` are the floats Erlang
/// has no terms for, and `true` and `false` are booleans. A binary in the place of the list is
/// read as `raw` elements.
///
/// Source: https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
struct ErlangReader {
  private var reader: ByteReader
  private var numbers: NumberCollector

  static func read(
    _ bytes: [UInt8], _ description: ArrayDescription, sizeLimit: Int
  ) throws(BinaryFormatError) -> BinaryArray {
    var reader = ByteReader(bytes, .erlang)
    guard try reader.byte() == ErlangTag.version else {
      throw reader.error("no external term: it must begin with byte 131", at: 0)
    }
    if bytes.count > 1, bytes[1] == ErlangTag.compressed {
      _ = try reader.byte()
      // A float of eight bytes takes nine with its tag.
      reader = ByteReader(
        try inflate(&reader, sizeLimit: sizeLimit + sizeLimit / 8 + 64), .erlang)
    }
    if let array = try binary(reader, description) { return array }
    var term = ErlangReader(
      reader: reader,
      numbers: NumberCollector(.erlang, wanted: description.dataType, sizeLimit: sizeLimit))
    try term.read(depth: 0)
    guard term.reader.remaining == 0 else {
      throw term.reader.error("\(term.reader.remaining) bytes follow the term")
    }
    return try term.numbers.finish(description.shape)
  }

  /// What follows the tag of a compressed term, inflated.
  private static func inflate(
    _ reader: inout ByteReader, sizeLimit: Int
  ) throws(BinaryFormatError) -> [UInt8] {
    let claimed = Int(try reader.bigEndian(UInt32.self))
    guard claimed <= sizeLimit else {
      throw reader.error(
        "a compressed term of \(claimed) bytes; at most \(sizeLimit) are taken", at: 2, .tooLarge)
    }
    let compressed = try reader.take(reader.remaining)
    do {
      return try CompressedTerm.inflate(compressed, size: claimed)
    } catch {
      throw reader.error("the compressed term \(error.reason)", at: 6)
    }
  }

  private static func binary(
    _ reader: ByteReader, _ description: ArrayDescription
  ) throws(BinaryFormatError) -> BinaryArray? {
    var reader = reader
    guard try reader.byte() == ErlangTag.binary else { return nil }
    let count = try reader.bigEndianCount(of: "bytes")
    guard count == reader.remaining else {
      throw reader.error("\(reader.remaining - count) bytes follow the binary")
    }
    return try RawFormat.read(Array(try reader.take(count)), description, in: .erlang)
  }

  private mutating func read(depth: Int) throws(BinaryFormatError) {
    let position = reader.offset
    let tag = try reader.byte()
    switch tag {
    case ErlangTag.newFloat:
      let number = Double(bitPattern: try reader.bigEndian(UInt64.self))
      try numbers.append(number, depth: depth, at: position)
    case ErlangTag.smallInteger:
      try numbers.append(Int64(try reader.byte()), depth: depth, at: position)
    case ErlangTag.integer:
      try numbers.append(
        Int64(try reader.bigEndian(Int32.self)), depth: depth, at: position)
    case ErlangTag.smallBig:
      try readBig(Int(try reader.byte()), depth: depth, at: position)
    case ErlangTag.largeBig:
      try readBig(try reader.bigEndianCount(of: "digits"), depth: depth, at: position)
    case ErlangTag.float: try readTextFloat(depth: depth, at: position)
    case ErlangTag.list: try readList(depth: depth, at: position)
    case ErlangTag.nil: try numbers.beginList(of: 0, depth: depth, at: position)
    case ErlangTag.string:
      let count = Int(try reader.bigEndian(UInt16.self))
      let bytes = try reader.take(count)
      try numbers.beginList(of: count, depth: depth, at: position)
      for byte in bytes { try numbers.append(Int64(byte), depth: depth + 1, at: position) }
    case ErlangTag.smallTuple:
      try readElements(Int(try reader.byte()), depth: depth, at: position)
    case ErlangTag.largeTuple:
      try readElements(try reader.bigEndianCount(of: "elements"), depth: depth, at: position)
    case ErlangTag.atom, ErlangTag.atomUTF8:
      try readAtom(Int(try reader.bigEndian(UInt16.self)), depth: depth, at: position)
    case ErlangTag.smallAtom, ErlangTag.smallAtomUTF8:
      try readAtom(Int(try reader.byte()), depth: depth, at: position)
    case ErlangTag.binary:
      throw reader.error("a binary inside of a list; it can stand for all elements", at: position)
    default:
      let name = ErlangTag.others[tag] ?? "a term of unknown tag \(tag)"
      throw reader.error("expected a number or a list, got \(name)", at: position)
    }
  }

  private mutating func readList(depth: Int, at position: Int) throws(BinaryFormatError) {
    try readElements(
      try reader.bigEndianCount(of: "elements"), depth: depth, at: position)
    let tail = reader.offset
    guard try reader.byte() == ErlangTag.nil else {
      throw reader.error("an improper list: its tail is no empty list", at: tail)
    }
  }

  private mutating func readElements(
    _ count: Int, depth: Int, at position: Int
  ) throws(BinaryFormatError) {
    try numbers.beginList(of: count, depth: depth, at: position)
    for _ in 0..<count { try read(depth: depth + 1) }
  }

  /// An integer of a sign and any number of bytes, of which those beyond 64 bits must be 0.
  private mutating func readBig(
    _ count: Int, depth: Int, at position: Int
  ) throws(BinaryFormatError) {
    let isNegative = try reader.byte() != 0
    let digits = try reader.take(count)
    var magnitude: UInt64 = 0
    for (index, digit) in digits.prefix(8).enumerated() {
      magnitude |= UInt64(digit) << UInt64(index * 8)
    }
    let isLarge = digits.dropFirst(8).contains { $0 != 0 }
    guard !isLarge, !isNegative || magnitude <= 1 << 63 else {
      throw reader.error("an integer that does not fit 64 bits", at: position)
    }
    if isNegative {
      try numbers.append(Int64(truncatingIfNeeded: 0 &- magnitude), depth: depth, at: position)
    } else {
      try numbers.append(magnitude, depth: depth, at: position)
    }
  }

  /// A float as releases before R11 wrote it: its text, filled up with zeros.
  private mutating func readTextFloat(depth: Int, at position: Int) throws(BinaryFormatError) {
    let text = try reader.take(31).prefix { $0 != 0 }
    guard let number = Double(String(decoding: text, as: UTF8.self)) else {
      throw reader.error("malformed text of a float", at: position)
    }
    try numbers.append(number, depth: depth, at: position)
  }

  private mutating func readAtom(
    _ count: Int, depth: Int, at position: Int
  ) throws(BinaryFormatError) {
    let name = String(decoding: try reader.take(count).prefix(256), as: UTF8.self)
    switch name {
    case "nan": try numbers.append(Double.nan, depth: depth, at: position)
    case "infinity": try numbers.append(Double.infinity, depth: depth, at: position)
    case "neg_infinity": try numbers.append(-Double.infinity, depth: depth, at: position)
    case "true": try numbers.append(true, depth: depth, at: position)
    case "false": try numbers.append(false, depth: depth, at: position)
    default:
      throw reader.error("expected a number or a list, got the atom \(name)", at: position)
    }
  }
}
