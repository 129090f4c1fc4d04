internal import NIOCore

/// The `grpc-timeout` header: one to eight digits and a unit.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Timeout)
enum Timeout {
  /// The time the header stands for, or nil when it is not well-formed. Times over 100 years are
  /// cut to that, so that adding them to a clock never overflows.
  static func parse(_ text: UnsafeRawBufferPointer) -> TimeAmount? {
    guard text.count >= 2, text.count <= 9 else { return nil }
    var value: Int64 = 0
    for byte in text[..<(text.count - 1)] {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    let unit: Int64
    switch text[text.count - 1] {
    case UInt8(ascii: "H"): unit = 3_600_000_000_000
    case UInt8(ascii: "M"): unit = 60_000_000_000
    case UInt8(ascii: "S"): unit = 1_000_000_000
    case UInt8(ascii: "m"): unit = 1_000_000
    case UInt8(ascii: "u"): unit = 1_000
    case UInt8(ascii: "n"): unit = 1
    default: return nil
    }
    let limit: Int64 = 100 * 365 * 24 * 3_600_000_000_000
    let (product, overflow) = value.multipliedReportingOverflow(by: unit)
    return .nanoseconds(overflow ? limit : min(product, limit))
  }

  /// The header that stands for a time, in the finest unit that has room for it, rounded up.
  static func text(_ amount: TimeAmount) -> String {
    var value = max(0, amount.nanoseconds)
    for (unit, next) in [("n", 1000), ("u", 1000), ("m", 1000), ("S", 60), ("M", 60)] {
      if value <= 99_999_999 { return "\(value)\(unit)" }
      value = (value - 1) / Int64(next) + 1
    }
    return "\(min(value, 99_999_999))H"
  }
}
