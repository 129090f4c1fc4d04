internal import BridgeSessions
internal import Glibc
internal import Threads

/// Measures this process: its memory, and the CPU time since the last sample.
struct ProcessSampler {
  private var last = (cpu: Self.cpuTime, at: MonotonicClock.now)

  /// - Returns: What could be measured.
  mutating func sample() -> [TelemetryRecord] {
    var records: [TelemetryRecord] = []
    let time = Clock.wall
    if let (size, resident) = Self.memory {
      records.append(
        TelemetryRecord(
          name: .memorySampled,
          measurements: [("rss_bytes", .integer(resident)), ("vms_bytes", .integer(size))],
          time: time))
    }
    let now = (cpu: Self.cpuTime, at: MonotonicClock.now)
    // Of the first one there is nothing to tell.
    if now.at - last.at > Self.leastInterval {
      let percent = 100 * Double(now.cpu - last.cpu) / Double(now.at - last.at)
      records.append(
        TelemetryRecord(
          name: .cpuSampled, measurements: [("cpu_percent", .float(percent))], time: time))
      last = now
    }
    return records
  }

  private static let leastInterval: Int64 = 100_000_000

  /// Nanoseconds of all threads.
  private static var cpuTime: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// In bytes. Source: proc(5), statm.
  private static var memory: (size: Int64, resident: Int64)? {
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = read(file, &bytes, bytes.count)
    guard count > 0 else { return nil }
    let numbers = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: " ")
    guard numbers.count >= 2, let size = Int64(numbers[0]), let resident = Int64(numbers[1]) else {
      return nil
    }
    let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
    return (size * page, resident * page)
  }
}
