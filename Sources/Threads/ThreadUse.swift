internal import Glibc

/// What the calling thread has had of the machine: tells one that was busy, or has waited, from one whose
/// turn was given to others.
///
/// Source: getrusage(2), RUSAGE_THREAD.
public struct ThreadUse: Sendable {
  /// Nanoseconds of CPU time.
  private let time: Int64
  /// How often it has waited.
  private let waits: Int

  /// RUSAGE_THREAD, a GNU extension that Swift does not see.
  private static let thisThread: CInt = 1

  /// That of the calling thread until now.
  public static var now: ThreadUse {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    var usage = rusage()
    getrusage(Self.thisThread, &usage)
    return ThreadUse(
      time: Int64(time.tv_sec) * MonotonicClock.second + Int64(time.tv_nsec),
      waits: usage.ru_nvcsw)
  }

  /// Whether the thread itself was what took long since then: it has waited, or has computed for longer than
  /// so many nanoseconds.
  public func tookTime(since start: ThreadUse, beyond limit: Int64) -> Bool {
    waits > start.waits || time - start.time > limit
  }
}
