/// A number as it was written. Whole numbers of 64 bits are not turned into Doubles, which cannot tell
/// large ones apart.
enum ExactNumber: Sendable {
  case integer(Int64)
  /// Above `Int64.max`.
  case unsigned(UInt64)
  case float(Double)

  init(_ number: UInt64) {
    self = Int64(exactly: number).map { .integer($0) } ?? .unsigned(number)
  }

  /// The nearest Double.
  var double: Double {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .float(let value): value
    }
  }

  /// The number as an integer type, if it is one of its values.
  func integer<T: FixedWidthInteger>(_: T.Type) -> T? {
    switch self {
    case .integer(let value): T(exactly: value)
    case .unsigned(let value): T(exactly: value)
    case .float(let value): T(exactly: value)
    }
  }

  /// Compares without rounding; false where one is NaN.
  static func < (left: ExactNumber, right: ExactNumber) -> Bool {
    switch (left, right) {
    case (.float(let left), .float(let right)): left < right
    case (.integer(let left), .integer(let right)): left < right
    case (.integer(let left), .unsigned(let right)): left < right
    case (.unsigned(let left), .integer(let right)): left < right
    case (.unsigned(let left), .unsigned(let right)): left < right
    case (.integer(let left), .float(let right)): isLess(left, right)
    case (.unsigned(let left), .float(let right)): isLess(left, right)
    case (.float(let left), .integer(let right)): isGreater(right, left)
    case (.float(let left), .unsigned(let right)): isGreater(right, left)
    }
  }

  /// Whether an integer is less than a Double.
  private static func isLess<T: FixedWidthInteger>(_ integer: T, _ float: Double) -> Bool {
    // What is no T is beyond all of them, or NaN.
    guard let whole = T(exactly: float.rounded(.up)) else { return float > 0 }
    return integer < whole
  }

  /// Whether an integer is greater than a Double.
  private static func isGreater<T: FixedWidthInteger>(_ integer: T, _ float: Double) -> Bool {
    guard let whole = T(exactly: float.rounded(.down)) else { return float < 0 }
    return integer > whole
  }

  /// As clients write it beside another number: as a float beside floats.
  func text(beside other: ExactNumber) -> String {
    guard case .float = other, case .integer(let value) = self, let float = Double(exactly: value)
    else { return text }
    return ExactNumber.float(float).text
  }

  /// As clients write it.
  var text: String {
    switch self {
    case .integer(let value): String(value)
    case .unsigned(let value): String(value)
    case .float(let value):
      value.isNaN
        ? "NaN" : value.isFinite ? value.description : value > 0 ? "Infinity" : "-Infinity"
    }
  }
}
