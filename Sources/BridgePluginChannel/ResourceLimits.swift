internal import CPluginProcess
internal import Glibc

/// How much of the system a child process may take, and what it gives up.
///
/// Source: getrlimit(2).
package struct ResourceLimits: Sendable, Equatable {
  /// Bytes of memory that it may ask for beyond what it begins with; nil for any.
  package var memory: UInt64?
  /// Seconds of CPU time over its whole life; nil for any.
  package var cpuSeconds: UInt64?
  /// Files that it may have open; nil for as many as the host.
  package var openFiles: UInt64?
  /// Processes and threads that its user may have, those of all other programs of the user included; nil
  /// for any. It does not bind root.
  package var processes: UInt64?

  /// How much of a processor's time it and what it has started may have, in millionths: 1,500,000 is one and a
  /// half. Only a control group can do that; nil for any.
  package var processorMillionths: UInt64?
  /// A directory of cgroup v2 where groups can be made: each process then has one, which its memory, processes and
  /// processor time are limited by together with all that it has started. Empty where there is none.
  package var groups = ""

  /// What it gives up.
  package var profile: ProcessProfile = []

  /// No limits.
  package init() {}

  /// Stands for `processorMillionths`, which no rlimit does.
  private static let processorTime: UInt32 = 1000

  var entries: [(resource: UInt32, limit: UInt64)] {
    [
      (UInt32(PLUGIN_MEMORY.rawValue), memory), (UInt32(PLUGIN_CPU_SECONDS.rawValue), cpuSeconds),
      (UInt32(PLUGIN_OPEN_FILES.rawValue), openFiles),
      (UInt32(PLUGIN_PROCESSES.rawValue), processes), (Self.processorTime, processorMillionths),
    ].compactMap { resource, limit in limit.map { (resource, $0) } }
  }

  init(_ entries: [(UInt32, UInt64)], groups: String, _ profile: ProcessProfile) {
    self.profile = profile
    self.groups = groups
    for (resource, limit) in entries {
      switch resource {
      case UInt32(PLUGIN_MEMORY.rawValue): memory = limit
      case UInt32(PLUGIN_CPU_SECONDS.rawValue): cpuSeconds = limit
      case UInt32(PLUGIN_OPEN_FILES.rawValue): openFiles = limit
      case UInt32(PLUGIN_PROCESSES.rawValue): processes = limit
      case Self.processorTime: processorMillionths = limit
      default: break
      }
    }
  }

  /// Binds the calling process to them, for good, but for the profile. No core file is written.
  ///
  /// - Returns: What could not be applied, in words.
  package func apply() -> [String] {
    var refused: [String] = []
    func set(_ resource: plugin_resource, _ limit: UInt64, _ what: String) {
      if plugin_limit(resource.rawValue, limit) != 0 {
        refused.append("\(what): \(String(cString: strerror(errno)))")
      }
    }
    set(PLUGIN_CORE_FILE, 0, "core files")
    if let memory {
      let (sum, overflow) = memory.addingReportingOverflow(Self.presentMemory)
      set(PLUGIN_MEMORY, overflow ? .max : sum, "memory")
    }
    if let cpuSeconds { set(PLUGIN_CPU_SECONDS, cpuSeconds, "CPU time") }
    if let openFiles { set(PLUGIN_OPEN_FILES, openFiles, "open files") }
    if let processes { set(PLUGIN_PROCESSES, processes, "processes") }
    return refused
  }

  /// What RLIMIT_DATA counts of this process now.
  ///
  /// Source: proc(5), /proc/pid/statm.
  private static var presentMemory: UInt64 {
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 256)
    let count = read(file, &text, text.count)
    let fields = text.prefix(max(0, count)).split(separator: UInt8(ascii: " "))
    guard fields.count > 5, let pages = UInt64(String(decoding: fields[5], as: UTF8.self)) else {
      return 0
    }
    return pages * UInt64(getpagesize())
  }
}
