internal import Glibc

/// The clock that deadlines of tools refer to.
public enum MonotonicClock {
  /// Nanoseconds.
  static let second: Int64 = 1_000_000_000

  /// Nanoseconds of CLOCK_MONOTONIC.
  public static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * second + Int64(time.tv_nsec)
  }
}
