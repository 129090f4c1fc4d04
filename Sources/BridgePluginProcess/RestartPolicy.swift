/// When a plugin's process is started anew after it has ended, and when no longer. Without clocks and
/// processes.
struct RestartPolicy {
  /// The first crash after a quiet time is forgiven at once; from then on each waits twice as long.
  static let firstDelay: Int64 = 100_000_000
  static let longestDelay: Int64 = 30_000_000_000
  /// A process that lived so long has not crashed because of how it starts: nanoseconds.
  static let quietTime: Int64 = 60_000_000_000
  /// So many crashes in a row, none of them a quiet time after the one before, and the plugin is taken out of
  /// service.
  static let crashLimit = 6

  /// Ends that others brought about follow each other sooner than this only where something goes on doing it:
  /// nanoseconds.
  static let killDistance: Int64 = 1_000_000_000

  /// Crashes in a row.
  private(set) var crashes = 0
  private var lastCrash: Int64?
  private var lastKill: Int64?

  enum Decision: Equatable {
    /// Start it again after so many nanoseconds.
    case restart(after: Int64)
    /// It keeps crashing: leave it.
    case quarantine
  }

  /// The process has ended by itself.
  ///
  /// - Parameter now: Of a monotonic clock.
  mutating func crashed(at now: Int64) -> Decision {
    if let lastCrash, now - lastCrash >= Self.quietTime { crashes = 0 }
    lastCrash = now
    crashes += 1
    if crashes >= Self.crashLimit { return .quarantine }
    if crashes == 1 { return .restart(after: 0) }
    return .restart(after: min(Self.longestDelay, Self.firstDelay << (crashes - 2)))
  }

  /// Somebody else has ended the process, as a system without memory does: that speaks not against the plugin,
  /// which is never left for it.
  mutating func killed(at now: Int64) -> Decision {
    defer { lastKill = now }
    guard let lastKill, now - lastKill < Self.killDistance else { return .restart(after: 0) }
    return .restart(after: Self.firstDelay)
  }
}
