public import BinaryFormats

/// Numbers of one element type with a shape: the content of an embedding or a tensor.
///
/// Elements are little-endian and row-major in one contiguous array, aligned to 16 bytes, so that
/// they travel to clients as `raw` binary values and to tools as pointers without a copy.
public final class NumericArray: Sendable, Equatable {
  /// The type of the elements.
  public typealias ElementType = BinaryFormats.ElementType

  /// One length a dimension, outermost first; empty for a scalar.
  public let shape: [Int]
  /// The type of the elements.
  public let elementType: ElementType
  /// The elements, row-major and little-endian.
  public let bytes: [UInt8]
  /// Whether the writer nested its lists by the shape; it is answered the same way.
  public let isNested: Bool
  /// Whether the writer named no element type, as in JSON: the elements may become another.
  let isUntyped: Bool

  /// - Precondition: `bytes` holds as many elements as the shape says.
  public convenience init(
    shape: [Int], elementType: ElementType, bytes: [UInt8], isNested: Bool = false
  ) {
    self.init(
      shape: shape, elementType: elementType, bytes: bytes, isNested: isNested, isUntyped: false)
  }

  /// - Precondition: As above.
  init(shape: [Int], elementType: ElementType, bytes: [UInt8], isNested: Bool, isUntyped: Bool) {
    precondition(shape.reduce(1, *) * elementType.width == bytes.count)
    self.shape = shape
    self.elementType = elementType
    self.bytes = bytes
    self.isNested = isNested
    self.isUntyped = isUntyped
  }

  /// An array of float64 elements.
  public convenience init(_ numbers: [Double], shape: [Int]? = nil, isNested: Bool = false) {
    self.init(
      shape: shape ?? [numbers.count], elementType: .float64,
      bytes: numbers.withUnsafeBytes { Array($0) }, isNested: isNested)
  }

  /// How many elements there are.
  public var count: Int { bytes.count / elementType.width }

  /// The element at an index of the flat order, as the nearest Double.
  public subscript(index: Int) -> Double {
    bytes.withUnsafeBytes { Self.element($0, elementType, index) }
  }

  /// The element at an index of the flat order.
  func exact(_ index: Int) -> ExactNumber {
    bytes.withUnsafeBytes { bytes in
      switch elementType {
      case .int64: .integer(bytes.load(fromByteOffset: index * 8, as: Int64.self))
      case .uint64: ExactNumber(bytes.load(fromByteOffset: index * 8, as: UInt64.self))
      default: .float(Self.element(bytes, elementType, index))
      }
    }
  }

  /// All elements as Doubles, in flat order.
  public var doubles: [Double] {
    bytes.withUnsafeBytes { bytes in
      (0..<count).map { Self.element(bytes, elementType, $0) }
    }
  }

  private static func element(
    _ bytes: UnsafeRawBufferPointer, _ type: ElementType, _ index: Int
  ) -> Double {
    func load<T>(_: T.Type) -> T { bytes.load(fromByteOffset: index * type.width, as: T.self) }
    return switch type {
    case .float64: load(Double.self)
    case .float32: Double(load(Float.self))
    case .int64: Double(load(Int64.self))
    case .int32: Double(load(Int32.self))
    case .int16: Double(load(Int16.self))
    case .int8: Double(load(Int8.self))
    case .uint64: Double(load(UInt64.self))
    case .uint32: Double(load(UInt32.self))
    case .uint16: Double(load(UInt16.self))
    case .uint8, .bool: Double(load(UInt8.self))
    }
  }

  public static func == (left: NumericArray, right: NumericArray) -> Bool {
    left.shape == right.shape && left.elementType == right.elementType
      && left.bytes == right.bytes
  }
}
