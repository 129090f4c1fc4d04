internal import Synchronization

/// How long the jobs of one kind have lately taken on a worker.
///
/// Jobs that were short are expected to be so again: they share one thread, and what they wake is woken once
/// for several. Nothing but speed depends on it. Thread-safe.
final class JobPace: Sendable {
  /// A job that takes no longer is a short one. Nanoseconds.
  static let short: Int64 = 50_000

  /// Short jobs in a row, as far as it matters. One that was not short makes it negative.
  private let streak = Atomic<Int>(0)
  private static let trusted = 8
  private static let distrusted = -64

  /// Whether the next one is expected to be short.
  var isShort: Bool { streak.load(ordering: .relaxed) >= Self.trusted }

  /// Notes how long one took, in nanoseconds.
  func note(_ taken: Int64) {
    let before = streak.load(ordering: .relaxed)
    if taken > Self.short {
      streak.store(Self.distrusted, ordering: .relaxed)
    } else if before < Self.trusted {
      // Of several threads one may get lost: then it takes one more.
      streak.store(before + 1, ordering: .relaxed)
    }
  }
}
