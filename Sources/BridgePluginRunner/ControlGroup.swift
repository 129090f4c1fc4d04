internal import BridgePluginChannel
internal import Glibc

/// A control group of a child's own, with what it and all that it starts may take together.
///
/// Source: Documentation/admin-guide/cgroup-v2.rst of Linux.
struct ControlGroup {
  private let path: String

  /// Makes a group.
  ///
  /// - Parameters:
  ///   - name: Its name in the directory that the limits name.
  ///   - faults: What could not be set is added, in words.
  /// - Returns: nil where there is no group, or nothing to limit by one.
  init?(_ name: String, _ limits: ResourceLimits, _ faults: inout [String]) {
    let settings = Self.settings(limits)
    guard !settings.isEmpty else { return nil }
    guard !limits.groups.isEmpty else {
      if limits.processorMillionths != nil {
        faults.append("cpus: no control group (cgroup v2) is delegated to the host")
      }
      return nil
    }
    path = "\(limits.groups)/\(name)"
    for setting in settings {
      if let fault = Self.write(
        "+\(setting.controller)", to: "\(limits.groups)/cgroup.subtree_control")
      {
        faults.append("\(setting.controller) by a control group of \(limits.groups): \(fault)")
      }
    }
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
      faults.append("a control group in \(limits.groups): \(String(cString: strerror(errno)))")
      return nil
    }
    for (_, file, value) in settings {
      if let fault = Self.write(value, to: "\(path)/\(file)") {
        faults.append("\(file) of a control group: \(fault)")
      }
    }
    // Where one of them has no memory left, all of them end.
    _ = Self.write("1", to: "\(path)/memory.oom.group")
  }

  private static func settings(
    _ limits: ResourceLimits
  ) -> [(controller: String, file: String, value: String)] {
    var settings: [(String, String, String)] = []
    if let memory = limits.memory { settings.append(("memory", "memory.max", "\(memory)")) }
    if let processes = limits.processes { settings.append(("pids", "pids.max", "\(processes)")) }
    if let millionths = limits.processorMillionths {
      // Of each tenth of a second; the kernel takes no less than a millisecond.
      settings.append(("cpu", "cpu.max", "\(max(1000, millionths / 10)) 100000"))
    }
    return settings
  }

  /// - Returns: Why it was not written; nil where it was.
  private static func write(_ text: String, to file: String) -> String? {
    let number = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard number >= 0 else { return String(cString: strerror(errno)) }
    defer { close(number) }
    let bytes = Array(text.utf8)
    return Glibc.write(number, bytes, bytes.count) == bytes.count
      ? nil : String(cString: strerror(errno))
  }

  /// Moves the calling process into the group.
  ///
  /// - Returns: Why it is not there; nil where it is.
  func enter() -> String? { Self.write("0", to: "\(path)/cgroup.procs") }

  /// Whether the system has ended processes of it for want of memory.
  var wasExhausted: Bool {
    guard let file = fopen("\(path)/memory.events", "re") else { return false }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    while fgets(&line, CInt(line.count), file) != nil {
      let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        .split(whereSeparator: \.isWhitespace)
      if words.first == "oom_kill", let count = words.last { return count != "0" }
    }
    return false
  }

  /// Ends what is in it, and removes it; false while something is.
  func remove() -> Bool {
    _ = Self.write("1", to: "\(path)/cgroup.kill")
    return rmdir(path) == 0 || errno != EBUSY
  }
}
