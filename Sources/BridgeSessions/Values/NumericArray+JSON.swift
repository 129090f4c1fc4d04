internal import BinaryFormats
internal import JSON

extension NumericArray {
  /// Reads an embedding: an array of numbers.
  static func embedding(reading reader: inout JSONReader) throws -> NumericArray {
    guard reader.kind == .array else { throw Value.mismatch("an array of numbers", &reader) }
    let count = reader.beginArray()!
    var elements = JSONElements(takesBooleans: false)
    try readElements(count, from: &reader, into: &elements, name: "embedding")
    return try elements.array()
  }

  /// Reads a tensor: `{"shape": [...], "data": [...]}`, the data nested by the shape or flat.
  static func tensor(reading reader: inout JSONReader) throws -> NumericArray {
    guard reader.kind == .object else {
      throw Value.mismatch("a tensor {\"shape\": [...], \"data\": [...]}", &reader)
    }
    var shape: [Int]?
    var data: JSONReader?
    for _ in 0..<reader.beginObject()! {
      switch reader.shortName() {
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

    var elements = JSONElements(takesBooleans: true)
    var isNested = false
    if data.kind == .array {
      var probe = data
      let count = probe.beginArray()!
      isNested = shape.count > 1 && count > 0 && probe.kind == .array
      if isNested {
        try Self.readNested(&data, shape: shape[...], into: &elements)
      } else {
        _ = data.beginArray()
        try Self.readElements(count, from: &data, into: &elements, name: "tensor")
      }
    } else {
      guard elements.append(&data) else { throw Value.mismatch("tensor data", &data) }
    }
    guard elements.count == expected else {
      throw SessionError(
        .invalidValue,
        "tensor of shape \(shape) needs \(expected) elements, its data has \(elements.count)")
    }
    return try elements.array(shape: shape, isNested: isNested)
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

  private static func readElements(
    _ count: Int, from reader: inout JSONReader, into elements: inout JSONElements, name: String
  ) throws {
    elements.reserveCapacity(elements.count + count)
    for index in 0..<count {
      guard elements.append(&reader) else {
        let error = Value.mismatch("a number", &reader)
        throw SessionError(.invalidValue, "\(name) element \(index): \(error.message)")
      }
    }
  }

  private static func readNested(
    _ reader: inout JSONReader, shape: ArraySlice<Int>, into elements: inout JSONElements
  ) throws {
    guard let count = reader.beginArray(), count == shape.first else {
      throw SessionError(
        .invalidValue,
        "tensor data is not nested as its shape says: expected an array of "
          + "\(shape.first ?? 0)")
    }
    if shape.count == 1 {
      try readElements(count, from: &reader, into: &elements, name: "tensor")
    } else {
      for _ in 0..<count { try readNested(&reader, shape: shape.dropFirst(), into: &elements) }
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
        // The Double it is, not the shortest text of the Float: who parses a Double gets the number.
        writer.write(Double(bytes.load(fromByteOffset: offset, as: Float.self)))
      case .int64: writer.write(bytes.load(fromByteOffset: offset, as: Int64.self))
      case .uint64:
        writer.write(raw: String(bytes.load(fromByteOffset: offset, as: UInt64.self)).utf8)
      case .bool: writer.write(Int64(bytes[offset] == 0 ? 0 : 1))
      default: writer.write(Int64(self[index]))
      }
    }
  }
}
