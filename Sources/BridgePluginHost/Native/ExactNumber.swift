internal import BridgeSessions

/// A number of an array with nothing lost: whole numbers of 64 bits do not fit a Double.
enum ExactNumber {
  case signed(Int64)
  case unsigned(UInt64)
  case float(Double)

  /// The element of an array at an index of the flat order.
  init(_ bytes: UnsafeRawBufferPointer, _ type: NumericArray.ElementType, _ index: Int) {
    func load<T>(_: T.Type) -> T {
      bytes.loadUnaligned(fromByteOffset: index * type.width, as: T.self)
    }
    self =
      switch type {
      case .float64: .float(load(Double.self))
      case .float32: .float(Double(load(Float.self)))
      case .int64: .signed(load(Int64.self))
      case .int32: .signed(Int64(load(Int32.self)))
      case .int16: .signed(Int64(load(Int16.self)))
      case .int8: .signed(Int64(load(Int8.self)))
      case .uint64: .unsigned(load(UInt64.self))
      case .uint32: .unsigned(UInt64(load(UInt32.self)))
      case .uint16: .unsigned(UInt64(load(UInt16.self)))
      case .uint8, .bool: .unsigned(UInt64(load(UInt8.self)))
      }
  }

  /// The same as a whole number; nil where the type does not hold it.
  func integer<T: FixedWidthInteger>(_: T.Type) -> T? {
    switch self {
    case .signed(let number): T(exactly: number)
    case .unsigned(let number): T(exactly: number)
    case .float(let number): T(exactly: number)
    }
  }

  /// The same as a Double; nil for whole numbers that no Double is.
  var double: Double? {
    switch self {
    case .signed(let number): Double(exactly: number)
    case .unsigned(let number): Double(exactly: number)
    case .float(let number): number
    }
  }

  /// The same as a Float: fractions become the nearest one; nil for whole numbers that no Float is, and for
  /// what is too large.
  var float: Float? {
    switch self {
    case .signed(let number): return Float(exactly: number)
    case .unsigned(let number): return Float(exactly: number)
    case .float(let number):
      if !number.isFinite { return Float(number) }
      if number == number.rounded() { return Float(exactly: number) }
      let float = Float(number)
      return float.isFinite ? float : nil
    }
  }

  var text: String {
    switch self {
    case .signed(let number): "\(number)"
    case .unsigned(let number): "\(number)"
    case .float(let number): "\(number)"
    }
  }
}
