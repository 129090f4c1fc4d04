/// Writes lists of numbers, nested in each other.
protocol ListEncoder {
  /// A list of so many elements begins.
  mutating func beginList(of count: Int)
  mutating func endList(of count: Int)
  mutating func write(_ value: Bool)
  mutating func write(_ value: Int64)
  mutating func write(_ value: UInt64)
  mutating func write(_ value: Double)
}

extension BinaryArray {
  /// Writes the array as lists: nested by the shape, or one flat list.
  ///
  /// An empty array is an empty list: a shape of 2^40 times 0 must not become 2^40 lists.
  func write(to encoder: inout some ListEncoder) {
    if isNested && count > 0 || shape.isEmpty {
      var next = 0
      write(shape[...], &next, to: &encoder)
    } else {
      encoder.beginList(of: count)
      writeElements(0..<count, to: &encoder)
      encoder.endList(of: count)
    }
  }

  private func write(
    _ shape: ArraySlice<Int>, _ next: inout Int, to encoder: inout some ListEncoder
  ) {
    guard let length = shape.first else {
      writeElements(next..<next + 1, to: &encoder)
      return
    }
    encoder.beginList(of: length)
    if shape.count == 1 {
      writeElements(next..<next + length, to: &encoder)
      next += length
    } else {
      for _ in 0..<length { write(shape.dropFirst(), &next, to: &encoder) }
    }
    encoder.endList(of: length)
  }

  private func writeElements(_ range: Range<Int>, to encoder: inout some ListEncoder) {
    bytes.withUnsafeBytes { bytes in
      func load<T>(_ index: Int, _: T.Type) -> T {
        bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
      }
      switch elementType {
      case .float64: for index in range { encoder.write(load(index, Double.self)) }
      case .float32: for index in range { encoder.write(Double(load(index, Float.self))) }
      case .int64: for index in range { encoder.write(load(index, Int64.self)) }
      case .int32: for index in range { encoder.write(Int64(load(index, Int32.self))) }
      case .int16: for index in range { encoder.write(Int64(load(index, Int16.self))) }
      case .int8: for index in range { encoder.write(Int64(load(index, Int8.self))) }
      case .uint64: for index in range { encoder.write(load(index, UInt64.self)) }
      case .uint32: for index in range { encoder.write(Int64(load(index, UInt32.self))) }
      case .uint16: for index in range { encoder.write(Int64(load(index, UInt16.self))) }
      case .uint8: for index in range { encoder.write(Int64(load(index, UInt8.self))) }
      case .bool: for index in range { encoder.write(load(index, UInt8.self) != 0) }
      }
    }
  }
}

extension [UInt8] {
  mutating func append(bigEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  mutating func append(littleEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
