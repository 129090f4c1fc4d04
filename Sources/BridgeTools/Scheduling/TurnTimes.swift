/// How long the last turns of a queue took: what is sure of the next ones, as far as anything is.
struct TurnTimes {
  /// In nanoseconds; a ring.
  private var last: [Int64] = []
  private var next = 0

  /// So many turns are looked at. With fewer nothing is sure.
  static let window = 16

  /// Notes a turn.
  mutating func note(_ duration: Int64) {
    if last.count < Self.window {
      last.append(duration)
    } else {
      last[next] = duration
      next = (next + 1) % Self.window
    }
  }

  /// The shortest one, in nanoseconds; nil where too few are known.
  var shortest: Int64? { last.count < Self.window ? nil : last.min() }

  /// How many turns, of `limit` that run at once, take at least a time; nil where that is not known.
  func turns(in time: Int64, limit: Int) -> Int? {
    guard let shortest, shortest > 0, time >= 0 else { return nil }
    let (rounds, overflow) = (time / shortest + 1).multipliedReportingOverflow(by: Int64(limit))
    return overflow ? nil : Int(rounds)
  }
}
