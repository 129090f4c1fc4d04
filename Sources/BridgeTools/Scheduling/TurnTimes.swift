internal import Threads

/// How long the last turns of a queue took: what is sure of the next ones, as far as anything is.
package struct TurnTimes: Sendable {
  /// In nanoseconds; a ring.
  private var last: [Int64] = []
  private var next = 0

  /// So many turns are looked at. With fewer nothing is sure.
  static let window = 16

  /// Nothing is known yet.
  package init() {}

  /// Notes a turn.
  package mutating func note(_ duration: Int64) {
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

  /// So many of those before are looked at to tell that a deadline is hopeless.
  private static let foresight = 1024

  /// Whether those of one owner that come before would surely keep one waiting beyond its deadline, if each took
  /// no longer than the shortest turn of late. What others have waiting only adds to that.
  ///
  /// - Parameters:
  ///   - limit: How many of them run at once.
  ///   - ahead: What waits before it, in order.
  ///   - fate: Whether somebody still wants one of these, and its deadline; nil for none.
  package func isHopeless<Ahead: Collection>(
    _ deadline: Int64, limit: Int, behind ahead: Ahead,
    _ fate: (Ahead.Element) -> (isWanted: Bool, deadline: Int64?)
  ) -> Bool {
    let now = MonotonicClock.now
    if deadline <= now { return true }
    // Most queues are short.
    guard ahead.count >= limit, let shortest,
      let needed = turns(in: deadline - now, limit: limit),
      needed <= min(ahead.count, Self.foresight)
    else { return false }
    var found = 0
    for one in ahead.prefix(Self.foresight) {
      let (isWanted, deadline) = fate(one)
      if !isWanted { continue }
      // It will not have ended of itself when its turn comes.
      let earliest = now + Int64(found / limit) * shortest
      if let deadline, deadline <= earliest { continue }
      found += 1
      if found >= needed { return true }
    }
    return false
  }
}
