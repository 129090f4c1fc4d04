extension NumericArray {
  /// An element that a type cannot hold.
  struct Misfit: Error {
    let number: ExactNumber
    let index: Int
  }

  /// The same numbers as elements of another type.
  ///
  /// Numbers become the nearest float; whole numbers must be whole and in range, booleans 0 or 1.
  func converted(to type: ElementType) throws(Misfit) -> NumericArray {
    let bytes =
      switch type {
      case .float64: try convert { $0.double }
      case .float32:
        try convert { number in
          let float = Float(number.double)
          return float.isFinite || !number.double.isFinite ? float : nil
        }
      case .int64: try convert { $0.integer(Int64.self) }
      case .int32: try convert { $0.integer(Int32.self) }
      case .int16: try convert { $0.integer(Int16.self) }
      case .int8: try convert { $0.integer(Int8.self) }
      case .uint64: try convert { $0.integer(UInt64.self) }
      case .uint32: try convert { $0.integer(UInt32.self) }
      case .uint16: try convert { $0.integer(UInt16.self) }
      case .uint8: try convert { $0.integer(UInt8.self) }
      case .bool: try convert { $0.integer(UInt8.self).flatMap { $0 <= 1 ? $0 : nil } }
      }
    return NumericArray(shape: shape, elementType: type, bytes: bytes, isNested: isNested)
  }

  private func convert<T>(_ element: (ExactNumber) -> T?) throws(Misfit) -> [UInt8] {
    var converted: [T] = []
    converted.reserveCapacity(count)
    for index in 0..<count {
      let number = exact(index)
      guard let value = element(number) else { throw Misfit(number: number, index: index) }
      converted.append(value)
    }
    return converted.withUnsafeBytes { Array($0) }
  }
}
