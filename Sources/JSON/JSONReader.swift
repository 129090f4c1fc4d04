internal import CSimdjson

/// A cursor over one parsed JSON document (RFC 8259), value by value in document order.
///
/// It is valid inside the closure of `JSON.read` only.
public struct JSONReader {
  private var next: UnsafePointer<sj_node>
  private let end: UnsafePointer<sj_node>

  init(_ nodes: UnsafePointer<sj_node>, count: Int) {
    next = nodes
    end = nodes + count
  }

  /// What a value is.
  public enum Kind: Sendable {
    case null, boolean, integer, number, string, array, object
  }

  /// What the next value is. `integer` is a whole number within Int64.
  public var kind: Kind {
    switch sj_kind(next.pointee.kind) {
    case SJ_NULL: .null
    case SJ_FALSE, SJ_TRUE: .boolean
    case SJ_INT64: .integer
    case SJ_STRING: .string
    case SJ_ARRAY: .array
    case SJ_OBJECT: .object
    default: .number
    }
  }

  /// The elements or pairs of the next value, when it is an array or object.
  public var childCount: Int { Int(next.pointee.count) }

  /// The next value when it is a boolean; nil leaves the cursor where it is, here and below.
  public mutating func boolean() -> Bool? {
    guard kind == .boolean else { return nil }
    defer { next += 1 }
    return next.pointee.kind == SJ_TRUE.rawValue
  }

  /// The next value when it is a whole number within Int64.
  public mutating func integer() -> Int64? {
    guard kind == .integer else { return nil }
    defer { next += 1 }
    return next.pointee.value.int64
  }

  /// A whole number above `Int64.max` and within UInt64; `kind` calls it `number`.
  public mutating func unsigned() -> UInt64? {
    guard next.pointee.kind == SJ_UINT64.rawValue else { return nil }
    defer { next += 1 }
    return next.pointee.value.uint64
  }

  /// Any number, as the nearest Double.
  public mutating func number() -> Double? {
    let value: Double
    switch sj_kind(next.pointee.kind) {
    case SJ_INT64: value = Double(next.pointee.value.int64)
    case SJ_UINT64: value = Double(next.pointee.value.uint64)
    case SJ_DOUBLE: value = next.pointee.value.float64
    default: return nil
    }
    next += 1
    return value
  }

  /// The next value when it is a string.
  public mutating func string() -> String? {
    guard kind == .string else { return nil }
    defer { next += 1 }
    let bytes = UnsafeRawBufferPointer(
      start: next.pointee.value.string, count: Int(next.pointee.count))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The next value, a string, when it is no longer than names of a protocol are; it is passed over in
  /// either case.
  ///
  /// Others need not be compared: as texts that takes the square of the length of some.
  public mutating func shortName() -> String? {
    guard kind == .string else { return nil }
    if next.pointee.count <= 64 { return string() }
    next += 1
    return nil
  }

  /// Whether the next value is null; it is passed over then.
  public mutating func null() -> Bool {
    guard kind == .null else { return false }
    next += 1
    return true
  }

  /// Enters an array and answers how many elements follow.
  public mutating func beginArray() -> Int? {
    guard kind == .array else { return nil }
    defer { next += 1 }
    return childCount
  }

  /// Enters an object and answers how many pairs, each a string and a value, follow.
  public mutating func beginObject() -> Int? {
    guard kind == .object else { return nil }
    defer { next += 1 }
    return childCount
  }

  /// Passes over the next value with all it contains.
  public mutating func skip() {
    var open = 1
    while open > 0 {
      switch kind {
      case .array: open += childCount
      case .object: open += 2 * childCount
      default: break
      }
      next += 1
      open -= 1
    }
  }

  /// Reads the next value as a tree.
  public mutating func value() -> JSON {
    switch kind {
    case .null:
      next += 1
      return .null
    case .boolean: return .boolean(boolean()!)
    case .integer: return .integer(integer()!)
    case .number:
      if let value = unsigned() { return .unsigned(value) }
      return .number(number()!)
    case .string: return .string(string()!)
    case .array:
      let count = beginArray()!
      return .array((0..<count).map { _ in value() })
    case .object:
      let count = beginObject()!
      return .object(
        (0..<count).map { _ in
          let key = string()!
          return JSON.Member(key: key, value: value())
        })
    }
  }
}
