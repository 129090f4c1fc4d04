/// An array of numbers as the formats read and write it.
public struct BinaryArray: Sendable, Equatable {
  /// One length a dimension, outermost first; empty for a scalar.
  public let shape: [Int]
  /// What the elements are.
  public let elementType: ElementType
  /// Little-endian row-major elements.
  public let bytes: [UInt8]
  /// Whether lists are nested by the shape instead of flat. Formats without lists ignore it.
  public let isNested: Bool

  /// - Precondition: `bytes` holds as many elements as the shape says.
  public init(shape: [Int], elementType: ElementType, bytes: [UInt8], isNested: Bool = false) {
    self.shape = shape
    self.elementType = elementType
    self.bytes = bytes
    self.isNested = isNested
  }

  /// How many elements there are.
  public var count: Int { bytes.count / elementType.width }

  /// Arrays of more dimensions are refused.
  public static let rankLimit = 32
}

/// What is said of an array beside its bytes.
public struct ArrayDescription: Sendable {
  /// The length of each dimension; nil when it is not said.
  public var shape: [Int]?
  /// What the elements are; nil when it is not said.
  public var dataType: DataType?

  /// Says what is given, and leaves the rest open.
  public init(shape: [Int]? = nil, dataType: DataType? = nil) {
    self.shape = shape
    self.dataType = dataType
  }
}

extension Collection<Int> {
  /// The elements an array of this shape has; nil when a length is negative or the number, or that
  /// without the empty dimensions, is beyond 2^40.
  public var elementCount: Int? {
    var count = 1
    var isEmpty = false
    for length in self {
      if length == 0 {
        isEmpty = true
        continue
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: length)
      guard length > 0, !overflow, product <= 1 << 40 else { return nil }
      count = product
    }
    return isEmpty ? 0 : count
  }
}
