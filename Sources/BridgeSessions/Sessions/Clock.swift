internal import Glibc

/// The two clocks of the session engine.
public enum Clock {
  /// Nanoseconds since 1970.
  public static var wall: Int64 { read(CLOCK_REALTIME) }

  /// Milliseconds of a clock that never goes back; a few milliseconds coarse and cheap to read.
  static var coarseMilliseconds: Int64 { read(CLOCK_MONOTONIC_COARSE) / 1_000_000 }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
