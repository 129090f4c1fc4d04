internal import Glibc
internal import Threads

/// How long something takes on the calling thread, without the time in which the processor was others'.
///
/// Source: Linux, Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat.
struct OwnTime {
  private let began = MonotonicClock.now
  private let delayed = Self.delay

  /// Nanoseconds of computing and waiting since the beginning.
  var nanoseconds: Int64 { MonotonicClock.now - began - (Self.delay - delayed) }

  /// Nanoseconds for which the thread could have run and has not.
  private static var delay: Int64 {
    let file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = read(file, &text, text.count)
    let words = text.prefix(max(count, 0)).split(separator: UInt8(ascii: " "))
    return words.count > 1 ? Int64(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
  }
}
