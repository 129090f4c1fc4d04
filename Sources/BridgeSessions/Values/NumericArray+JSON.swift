internal import BinaryFormats
internal import JSON

extension NumericArray {
  /// Reads an embedding: an array of numbers.
  convenience init(readingEmbedding reader: inout JSONReader) throws {
    guard reader.kind == .array else { throw Value.mismatch("an array of numbers", &reader) }
    let count = reader.beginArray()!
    var numbers: [Double] = []
    try Self.readNumbers(count, from: &reader, into: &numbers, name: "embedding")
    self.init(numbers)
  }

  /// Reads a tensor: `{"shape": [...], "data": [...]}`, the data nested by the shape or flat.
  convenience init(readingTensor reader: inout JSONReader) throws {
    guard reader.kind == .object else {
      throw Value.mismatch("a tensor {\"shape\": [...], \"data\": [...]}", &reader)
    }
    var shape: [Int]?
    var data: JSONReader?
    for _ in 0..<reader.beginObject()! {
      switch reader.string()! {
      case "shape": shape = try Self.readShape(&reader)
      case "data":
        data = reader
        reader.skip()
      default: reader.skip()
      }
    }
    guard let shape else { throw SessionError(.invalidValue, "tensor has no \"shape\"") }
    guard var data else { throw SessionError(.invalidValue, "tensor has no \"data\"") }
    let expected = try Self.elementCount(of: shape)

    var numbers: [Double] = []
    var isNested = false
    if data.kind == .array {
      var probe = data
      let count = probe.beginArray()!
      isNested = shape.count > 1 && count > 0 && probe.kind == .array
      if isNested {
        try Self.readNested(&data, shape: shape[...], into: &numbers)
      } else {
        _ = data.beginArray()
        try Self.readNumbers(count, from: &data, into: &numbers, name: "tensor")
      }
    } else {
      guard let number = Value.number(&data) else { throw Value.mismatch("tensor data", &data) }
      numbers.append(number)
    }
    guard numbers.count == expected else {
      throw SessionError(
        .invalidValue,
        "tensor of shape \(shape) needs \(expected) elements, its data has \(numbers.count)")
    }
    self.init(numbers, shape: shape, isNested: isNested)
  }

  /// The number of elements of a shape that came from outside, by the rule of the binary formats: what
  /// is taken here is stored as one.
  static func elementCount(of shape: [Int]) throws -> Int {
    guard let count = shape.elementCount else {
      throw SessionError(.invalidValue, "tensor shape \(shape) is too large")
    }
    return count
  }

  /// Reads a shape: an array of lengths, none negative.
  static func readShape(_ reader: inout JSONReader) throws -> [Int] {
    guard let rank = reader.beginArray() else { throw Value.mismatch("a shape array", &reader) }
    guard rank <= 32 else {
      throw SessionError(.invalidValue, "tensor has \(rank) dimensions; at most 32 are taken")
    }
    return try (0..<rank).map { _ in
      guard reader.kind == .integer, let length = reader.integer(), length >= 0 else {
        throw SessionError(.invalidValue, "tensor shape must be whole numbers from 0 up")
      }
      return Int(length)
    }
  }

  private static func readNumbers(
    _ count: Int, from reader: inout JSONReader, into numbers: inout [Double], name: String
  ) throws {
    numbers.reserveCapacity(numbers.count + count)
    for index in 0..<count {
      guard let number = Value.number(&reader) else {
        let error = Value.mismatch("a number", &reader)
        throw SessionError(.invalidValue, "\(name) element \(index): \(error.message)")
      }
      numbers.append(number)
    }
  }

  private static func readNested(
    _ reader: inout JSONReader, shape: ArraySlice<Int>, into numbers: inout [Double]
  ) throws {
    guard let count = reader.beginArray(), count == shape.first else {
      throw SessionError(
        .invalidValue,
        "tensor data is not nested as its shape says: expected an array of "
          + "\(shape.first ?? 0)")
    }
    if shape.count == 1 {
      try readNumbers(count, from: &reader, into: &numbers, name: "tensor")
    } else {
      for _ in 0..<count { try readNested(&reader, shape: shape.dropFirst(), into: &numbers) }
    }
  }

  /// Appends the array as JSON: for a tensor with its shape, nested or flat as it was written.
  func write(to writer: inout JSONWriter, isTensor: Bool) {
    guard isTensor else { return writeFlat(to: &writer) }
    writer.write(raw: "{\"shape\":[")
    for (index, length) in shape.enumerated() {
      if index > 0 { writer.write(raw: ",") }
      writer.write(Int64(length))
    }
    writer.write(raw: "],\"data\":")
    if isNested {
      var index = 0
      writeNested(to: &writer, shape: shape[...], next: &index)
    } else {
      writeFlat(to: &writer)
    }
    writer.write(raw: "}")
  }

  private func writeFlat(to writer: inout JSONWriter) {
    writer.write(raw: "[")
    for index in 0..<count {
      if index > 0 { writer.write(raw: ",") }
      writeElement(index, to: &writer)
    }
    writer.write(raw: "]")
  }

  private func writeNested(
    to writer: inout JSONWriter, shape: ArraySlice<Int>, next: inout Int
  ) {
    writer.write(raw: "[")
    for position in 0..<(shape.first ?? 0) {
      if position > 0 { writer.write(raw: ",") }
      if shape.count == 1 {
        writeElement(next, to: &writer)
        next += 1
      } else {
        writeNested(to: &writer, shape: shape.dropFirst(), next: &next)
      }
    }
    writer.write(raw: "]")
  }

  private func writeElement(_ index: Int, to writer: inout JSONWriter) {
    bytes.withUnsafeBytes { bytes in
      let offset = index * elementType.width
      switch elementType {
      case .float64: writer.write(bytes.load(fromByteOffset: offset, as: Double.self))
      case .float32:
        // The shortest text of the Float, not of the Double it widens to.
        let value = bytes.load(fromByteOffset: offset, as: Float.self)
        if value.isFinite {
          writer.write(raw: value.description.utf8)
        } else {
          writer.write(Double(value))
        }
      case .int64: writer.write(bytes.load(fromByteOffset: offset, as: Int64.self))
      case .uint64:
        writer.write(raw: String(bytes.load(fromByteOffset: offset, as: UInt64.self)).utf8)
      case .bool: writer.write(Int64(bytes[offset] == 0 ? 0 : 1))
      default: writer.write(Int64(self[index]))
      }
    }
  }
}
