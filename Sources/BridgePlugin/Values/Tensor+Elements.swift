extension Tensor {
  /// The type of the numbers. The raw values are those of the ABI's `bridge_element`; the names are
  /// what `dtype` constraints say.
  public enum ElementType: UInt32, Sendable, Hashable {
    /// Floating point.
    case float64 = 1, float32
    /// Signed integers.
    case int64 = 3, int32, int16, int8
    /// Unsigned integers.
    case uint64 = 7, uint32, uint16, uint8
    /// One byte an element, 0 or 1.
    case bool = 11
  }

  /// Numbers of one type, in flat order.
  public enum Elements: Sendable, Hashable {
    /// Floating point.
    case float64([Double]), float32([Float])
    /// Signed integers.
    case int64([Int64]), int32([Int32]), int16([Int16]), int8([Int8])
    /// Unsigned integers.
    case uint64([UInt64]), uint32([UInt32]), uint16([UInt16]), uint8([UInt8])
    /// Booleans.
    case bool([Bool])

    /// The type of the numbers.
    public var type: ElementType {
      switch self {
      case .float64: .float64
      case .float32: .float32
      case .int64: .int64
      case .int32: .int32
      case .int16: .int16
      case .int8: .int8
      case .uint64: .uint64
      case .uint32: .uint32
      case .uint16: .uint16
      case .uint8: .uint8
      case .bool: .bool
      }
    }

    /// How many numbers there are.
    public var count: Int {
      switch self {
      case .float64(let numbers): numbers.count
      case .float32(let numbers): numbers.count
      case .int64(let numbers): numbers.count
      case .int32(let numbers): numbers.count
      case .int16(let numbers): numbers.count
      case .int8(let numbers): numbers.count
      case .uint64(let numbers): numbers.count
      case .uint32(let numbers): numbers.count
      case .uint16(let numbers): numbers.count
      case .uint8(let numbers): numbers.count
      case .bool(let numbers): numbers.count
      }
    }

    /// The numbers as the nearest Doubles; no copy where they are Doubles.
    public var doubles: [Double] {
      // Not `map(Double.init)`, which for UInt64 is the one that takes a bit pattern.
      switch self {
      case .float64(let numbers): numbers
      case .float32(let numbers): numbers.map { Double($0) }
      case .int64(let numbers): numbers.map { Double($0) }
      case .int32(let numbers): numbers.map { Double($0) }
      case .int16(let numbers): numbers.map { Double($0) }
      case .int8(let numbers): numbers.map { Double($0) }
      case .uint64(let numbers): numbers.map { Double($0) }
      case .uint32(let numbers): numbers.map { Double($0) }
      case .uint16(let numbers): numbers.map { Double($0) }
      case .uint8(let numbers): numbers.map { Double($0) }
      case .bool(let numbers): numbers.map { $0 ? 1 : 0 }
      }
    }

    /// The numbers as the nearest Floats; no copy where they are Floats.
    public var floats: [Float] {
      if case .float32(let numbers) = self { numbers } else { doubles.map(Float.init) }
    }
  }
}
