internal import BridgeSessions

/// Which events one listener gets: what it has asked for, without threads and clocks.
struct TelemetryFilter {
  /// Whether it gets any.
  private(set) var isEnabled = true
  /// The last one that fits an event counts.
  private var rates: [(patterns: [Wildcard], rate: Double)] = []
  private var allowed: [Wildcard] = []
  private var denied: [Wildcard] = []

  /// Patterns that a listener may name in one request, and rates that it may set for patterns.
  static let limit = 100

  /// Takes everything.
  init() {}

  mutating func toggle(_ isEnabled: Bool) { self.isEnabled = isEnabled }

  /// Sets which part of events is wanted.
  ///
  /// - Parameters:
  ///   - rate: From 0 to 1; what is outside counts as the nearer end, and what is no number as 0.
  ///   - patterns: Of names, in which `*` stands for anything; none means all events, and ends what was said
  ///     for some.
  /// - Returns: false when it is too much.
  mutating func sample(_ rate: Double, of patterns: [String]) -> Bool {
    let rate = rate.isNaN ? 0 : min(max(rate, 0), 1)
    if patterns.isEmpty {
      rates = [([], rate)]
      return true
    }
    let patterns = patterns.map { Wildcard($0) }
    rates.removeAll { $0.patterns == patterns }
    guard patterns.count <= Self.limit, rates.count < Self.limit else { return false }
    rates.append((patterns, rate))
    return true
  }

  /// Sets which events are wanted at all: of those that are allowed, or all where nothing is, what is not denied.
  ///
  /// - Returns: false when it is too much.
  mutating func filter(allow: [String], deny: [String]) -> Bool {
    guard allow.count <= Self.limit, deny.count <= Self.limit else { return false }
    allowed = allow.map { Wildcard($0) }
    denied = deny.map { Wildcard($0) }
    return true
  }

  /// Whether an event is wanted.
  ///
  /// - Parameter random: A number from 0 up to 1, which is asked for where a part is wanted.
  func admits(_ name: String, random: () -> Double) -> Bool {
    guard isEnabled, !denied.contains(where: { $0.matches(name) }),
      allowed.isEmpty || allowed.contains(where: { $0.matches(name) })
    else { return false }
    let fitting = rates.last { rate in
      rate.patterns.isEmpty || rate.patterns.contains { $0.matches(name) }
    }
    guard let rate = fitting?.rate, rate < 1 else { return true }
    return rate > 0 && random() < rate
  }
}
