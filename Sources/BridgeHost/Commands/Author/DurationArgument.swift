internal import ArgumentParser

/// A span of time as it is typed: a number and a unit, such as `2s`, `50ms` or `1.5m`.
struct DurationArgument: ExpressibleByArgument, Sendable {
  /// Nanoseconds.
  let nanoseconds: Int64

  private static let units: [(name: String, nanoseconds: Double)] = [
    ("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
  ]

  init?(argument: String) {
    // The unit with the longest name first: "ms" ends with "s".
    let units = Self.units.sorted { $0.name.count > $1.name.count }
    guard let unit = units.first(where: { argument.hasSuffix($0.name) }),
      let number = Double(argument.dropLast(unit.name.count)), number >= 0,
      number * unit.nanoseconds < 9e18
    else { return nil }
    nanoseconds = Int64(number * unit.nanoseconds)
  }
}
