internal import BinaryFormats
internal import JSON

/// Collects the elements of an array that comes as JSON, which names no element type.
///
/// They are float64, as JSON's numbers are to most who read them. Whole numbers that a Double does not
/// hold stay what they are: then all elements are int64, or uint64. Booleans alone are bool.
struct JSONElements {
  private var doubles: [Double] = []
  /// The elements' bits, where they are whole numbers and some do not fit a Double.
  private var words: [UInt64] = []
  private var isExact = true
  private var isWhole = true
  private var isBoolean = true
  private var hasNegative = false
  private var hasUnsigned = false

  /// Whether `true` and `false` are elements.
  let takesBooleans: Bool

  init(takesBooleans: Bool) { self.takesBooleans = takesBooleans }

  var count: Int { doubles.count }

  mutating func reserveCapacity(_ capacity: Int) { doubles.reserveCapacity(capacity) }

  /// Takes the next value.
  ///
  /// - Returns: false when it is no element; the reader stays where it is.
  mutating func append(_ reader: inout JSONReader) -> Bool {
    if let integer = reader.integer() {
      append(Double(integer), bits: UInt64(bitPattern: integer)) {
        integer.magnitude <= 1 << 53 || Int64(exactly: $0) == integer
      }
      if integer < 0 { hasNegative = true }
    } else if let integer = reader.unsigned() {
      append(Double(integer), bits: integer) { UInt64(exactly: $0) == integer }
      hasUnsigned = true
    } else if takesBooleans, let flag = reader.boolean() {
      doubles.append(flag ? 1 : 0)
      if !isExact { words.append(flag ? 1 : 0) }
      return true
    } else if let number = Value.number(&reader) {
      doubles.append(number)
      isWhole = false
    } else {
      return false
    }
    isBoolean = false
    return true
  }

  private mutating func append(_ double: Double, bits: UInt64, isExact: (Double) -> Bool) {
    if self.isExact, !isExact(double) {
      // All before are whole and exact, or no whole numbers are kept.
      if isWhole { words = doubles.map { Self.bits(of: $0) } }
      self.isExact = false
    }
    if !self.isExact, isWhole { words.append(bits) }
    doubles.append(double)
  }

  private static func bits(of whole: Double) -> UInt64 {
    Int64(exactly: whole).map { UInt64(bitPattern: $0) } ?? UInt64(whole)
  }

  /// - Throws: `SessionError` for whole numbers that no type holds together.
  func array(shape: [Int]? = nil, isNested: Bool = false) throws -> NumericArray {
    let shape = shape ?? [count]
    func array<T>(_ type: ElementType, _ elements: [T]) -> NumericArray {
      NumericArray(
        shape: shape, elementType: type, bytes: elements.withUnsafeBytes { Array($0) },
        isNested: isNested, isUntyped: true)
    }
    if isBoolean && count > 0 { return array(.bool, doubles.map { UInt8($0) }) }
    if isExact || !isWhole { return array(.float64, doubles) }
    guard !(hasNegative && hasUnsigned) else {
      throw SessionError(
        .invalidValue,
        "negative integers and integers beyond 2^63 have no integer type in common, and float64 "
          + "does not hold them all")
    }
    return array(hasUnsigned ? .uint64 : .int64, words)
  }
}
