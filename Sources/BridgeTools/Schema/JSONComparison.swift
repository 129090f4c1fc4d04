internal import JSON

/// Comparing JSON values as JSON Schema does: 1 and 1.0 are one number, texts are equal byte by byte, and
/// the order of members says nothing.
enum JSONComparison {
  enum Order {
    case less, equal, greater
    /// One of them is no number.
    case none
  }

  /// How two numbers stand to each other. Exact: whole numbers of 64 bits are not made floats.
  static func order(_ a: JSON, _ b: JSON) -> Order {
    if let a = whole(a), let b = whole(b) { return a < b ? .less : a == b ? .equal : .greater }
    switch (a, b) {
    case (.number(let a), .number(let b)):
      return a.isNaN || b.isNaN ? .none : a < b ? .less : a == b ? .equal : .greater
    case (_, .number(let b)):
      return whole(a).map { order($0, b) } ?? .none
    case (.number(let a), _):
      switch whole(b).map({ order($0, a) }) {
      case .less: return .greater
      case .greater: return .less
      case .equal: return .equal
      case Order.none?, nil: return .none
      }
    default: return .none
    }
  }

  /// A whole number of 64 bits, signed or not.
  private static func whole(_ value: JSON) -> Int128? {
    switch value {
    case .integer(let number): Int128(number)
    case .unsigned(let number): Int128(number)
    default: nil
    }
  }

  private static func order(_ a: Int128, _ b: Double) -> Order {
    if b.isNaN { return .none }
    // Beyond every number of 64 bits.
    if b >= 0x1p64 { return .less }
    if b <= -0x1p64 { return .greater }
    let below = b.rounded(.down)
    let other = Int128(below)
    if a != other { return a < other ? .less : .greater }
    return b > below ? .less : .equal
  }

  /// Whether two values are the same.
  static func equal(_ a: JSON, _ b: JSON) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.boolean(let a), .boolean(let b)): a == b
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)):
      a.count == b.count && zip(a, b).allSatisfy { equal($0, $1) }
    case (.object, .object): key(of: a) == key(of: b)
    default: order(a, b) == .equal
    }
  }

  /// Bytes that are the same for equal values, and for no others.
  static func key(of value: JSON) -> [UInt8] {
    var writer = JSONWriter()
    writer.write(sorted(value))
    return writer.bytes
  }

  private static func sorted(_ value: JSON) -> JSON {
    switch value {
    case .number(let number):
      // The same text for the same number.
      if let integer = Int64(exactly: number) { return .integer(integer) }
      return UInt64(exactly: number).map(JSON.unsigned) ?? value
    case .array(let elements): return .array(elements.map(sorted))
    case .object(let members):
      let sortedMembers = members.map { JSON.Member(key: $0.key, value: sorted($0.value)) }
        .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      return .object(sortedMembers)
    default: return value
    }
  }

  /// Whether a number is a whole multiple of another, which is above 0.
  static func isMultiple(_ value: JSON, of divisor: JSON) -> Bool {
    if let value = whole(value), let divisor = whole(divisor) { return value % divisor == 0 }
    guard let value = double(value), let divisor = double(divisor) else { return true }
    return isMultiple(value, of: divisor)
  }

  private static func double(_ value: JSON) -> Double? {
    if case .number(let number) = value { return number }
    return whole(value).map { Double($0) }
  }

  private static func isMultiple(_ value: Double, of divisor: Double) -> Bool {
    guard value.isFinite else { return false }
    if value.truncatingRemainder(dividingBy: divisor) == 0 { return true }
    // 0.3 of 0.1: what a person means by decimal fractions, which floats only come near.
    let quotient = value / divisor
    // Beyond, floats know whole numbers only, and nothing says that it is none.
    return quotient.magnitude >= 0x1p52
      || (quotient - quotient.rounded()).magnitude <= quotient.magnitude * 0x1p-50
  }
}
