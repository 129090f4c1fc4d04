extension NumericArray {
  /// An element that a type cannot hold.
  struct Misfit: Error {
    let number: Double
    let index: Int
  }

  /// The same numbers as elements of another type.
  ///
  /// Floats are rounded to float32; whole numbers must be whole and in range, booleans 0 or 1.
  func converted(to type: ElementType) throws(Misfit) -> NumericArray {
    let bytes =
      switch type {
      case .float64: try convert { $0 }
      case .float32:
        try convert { number in
          let float = Float(number)
          return float.isFinite || !number.isFinite ? float : nil
        }
      case .int64: try convert { Int64(exactly: $0) }
      case .int32: try convert { Int32(exactly: $0) }
      case .int16: try convert { Int16(exactly: $0) }
      case .int8: try convert { Int8(exactly: $0) }
      case .uint64: try convert { UInt64(exactly: $0) }
      case .uint32: try convert { UInt32(exactly: $0) }
      case .uint16: try convert { UInt16(exactly: $0) }
      case .uint8: try convert { UInt8(exactly: $0) }
      case .bool: try convert { $0 == 0 ? 0 as UInt8 : $0 == 1 ? 1 : nil }
      }
    return NumericArray(shape: shape, elementType: type, bytes: bytes, isNested: isNested)
  }

  private func convert<T>(_ element: (Double) -> T?) throws(Misfit) -> [UInt8] {
    var converted: [T] = []
    converted.reserveCapacity(count)
    for index in 0..<count {
      let number = self[index]
      guard let value = element(number) else { throw Misfit(number: number, index: index) }
      converted.append(value)
    }
    return converted.withUnsafeBytes { Array($0) }
  }
}
