/// Elements without a word about them: all is in the description.
enum RawFormat {
  static func read(
    _ bytes: [UInt8], _ description: ArrayDescription, in format: BinaryFormat = .raw
  ) throws(BinaryFormatError) -> BinaryArray {
    guard let type = description.dataType else {
      throw BinaryFormatError(
        .mismatch, format, "needs a \"dtype\" in its metadata, for example \"float32\"")
    }
    let shape = description.shape ?? [bytes.count / type.width]
    try check(bytes.count, shape, type, format)
    return BinaryArray(shape: shape, elementType: type.element, bytes: type.normalized(bytes))
  }

  /// Checks that so many bytes are an array of a shape.
  static func check(
    _ byteCount: Int, _ shape: [Int], _ type: DataType, _ format: BinaryFormat
  ) throws(BinaryFormatError) {
    guard let count = shape.elementCount, count * type.width == byteCount else {
      let needed = shape.elementCount.map { String($0 * type.width) } ?? "too many"
      throw BinaryFormatError(
        .mismatch, format,
        "shape \(shape) with elements of \(type.width) bytes needs \(needed) bytes, there are "
          + "\(byteCount)")
    }
  }
}
