/// The .npy format, versions 1.0 to 3.0.
///
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
enum NumpyFormat {
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// Bytes at which elements are aligned in a file.
  private static let alignment = 64
  /// No header of numbers is nearly as long; numpy itself refuses longer ones.
  private static let headerLimit = 10_000

  static func read(
    _ bytes: [UInt8], _ description: ArrayDescription
  ) throws(BinaryFormatError) -> BinaryArray {
    var reader = ByteReader(bytes, .numpy)
    guard bytes.starts(with: magic) else {
      throw reader.error("no .npy file: it does not begin with \\x93NUMPY")
    }
    _ = try reader.take(magic.count)
    let version = (major: try reader.byte(), minor: try reader.byte())
    guard (1...3).contains(version.major), version.minor == 0 else {
      throw reader.error(
        "version \(version.major).\(version.minor) of .npy is unknown; 1.0 to 3.0 are read",
        at: magic.count)
    }
    let length =
      version.major == 1
      ? Int(try reader.littleEndian(UInt16.self)) : Int(try reader.littleEndian(UInt32.self))
    guard length <= headerLimit else {
      throw reader.error("a header of \(length) bytes; at most \(headerLimit) are taken")
    }
    let start = reader.offset
    var parser = NumpyHeaderParser(ByteReader(bytes, .numpy), from: start, to: start + length)
    _ = try reader.take(length)
    let header = try parser.parse()
    guard header.shape.count <= BinaryArray.rankLimit else {
      throw reader.error(
        "\(header.shape.count) dimensions; at most \(BinaryArray.rankLimit) are taken", at: start)
    }
    if let shape = description.shape, shape != header.shape {
      throw BinaryFormatError(
        .mismatch, .numpy,
        "shape \(shape) in the metadata is not the shape of the file, \(header.shape)")
    }
    try RawFormat.check(reader.remaining, header.shape, header.type, .numpy)
    var elements = header.type.normalized(Array(bytes[reader.offset...]))
    if header.isFortranOrder {
      elements = rowMajor(elements, header.shape, width: header.type.element.width)
    }
    return BinaryArray(shape: header.shape, elementType: header.type.element, bytes: elements)
  }

  /// Writes version 1.0, byte for byte as numpy does.
  static func write(_ array: BinaryArray) -> [UInt8] {
    let lengths = array.shape.map(String.init)
    let shape = lengths.count == 1 ? "(\(lengths[0]),)" : "(\(lengths.joined(separator: ", ")))"
    var header =
      "{'descr': '\(array.elementType.numpyName)', 'fortran_order': False, 'shape': \(shape), }"
    if let first = lengths.first {
      // numpy leaves space for the first dimension to grow in place, up to 21 digits.
      header += String(repeating: " ", count: max(21 - first.utf8.count, 0))
    }
    let prefix = magic.count + 4
    let padding = alignment - (prefix + header.utf8.count + 1) % alignment
    header += String(repeating: " ", count: padding) + "\n"

    var bytes: [UInt8] = []
    bytes.reserveCapacity(prefix + header.utf8.count + array.bytes.count)
    bytes += magic
    bytes += [1, 0]
    bytes.append(littleEndian: UInt16(header.utf8.count))
    bytes += header.utf8
    bytes += array.bytes
    return bytes
  }

  /// Elements that vary fastest in the first dimension, in the order in which they vary fastest in
  /// the last.
  private static func rowMajor(_ bytes: [UInt8], _ shape: [Int], width: Int) -> [UInt8] {
    switch width {
    case 8: return transposed(bytes, shape, UInt64.self)
    case 4: return transposed(bytes, shape, UInt32.self)
    case 2: return transposed(bytes, shape, UInt16.self)
    default: return transposed(bytes, shape, UInt8.self)
    }
  }

  private static func transposed<T: FixedWidthInteger>(
    _ bytes: [UInt8], _ shape: [Int], _: T.Type
  ) -> [UInt8] {
    let width = MemoryLayout<T>.size
    // How far apart in the source the neighbours in each dimension are.
    var strides = [1]
    for length in shape.dropLast() { strides.append(strides.last! * length) }
    var position = [Int](repeating: 0, count: shape.count)
    var source = 0
    return [UInt8](unsafeUninitializedCapacity: bytes.count) { target, count in
      let target = UnsafeMutableRawBufferPointer(target)
      bytes.withUnsafeBytes { bytes in
        for offset in stride(from: 0, to: bytes.count, by: width) {
          target.storeBytes(
            of: bytes.loadUnaligned(fromByteOffset: source * width, as: T.self),
            toByteOffset: offset, as: T.self)
          for dimension in shape.indices.reversed() {
            position[dimension] += 1
            source += strides[dimension]
            if position[dimension] < shape[dimension] { break }
            source -= shape[dimension] * strides[dimension]
            position[dimension] = 0
          }
        }
      }
      count = bytes.count
    }
  }
}

extension ElementType {
  /// As numpy writes it into a file's header.
  fileprivate var numpyName: String {
    switch self {
    case .float64: "<f8"
    case .float32: "<f4"
    case .int64: "<i8"
    case .int32: "<i4"
    case .int16: "<i2"
    case .int8: "|i1"
    case .uint64: "<u8"
    case .uint32: "<u4"
    case .uint16: "<u2"
    case .uint8: "|u1"
    case .bool: "|b1"
    }
  }
}
