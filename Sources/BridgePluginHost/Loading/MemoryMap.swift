internal import Glibc

/// What the process's memory is mapped as.
enum MemoryMap {
  /// Whether an address holds code.
  ///
  /// Source: proc(5), /proc/pid/maps.
  static func isExecutable(_ address: UnsafeMutableRawPointer) -> Bool {
    guard let file = fopen("/proc/self/maps", "re") else { return true }
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(line) }
    while getline(&line, &size, file) != -1, let text = line {
      // START-END MODES …
      let parts = String(cString: text).split(separator: " ", maxSplits: 2)
      let range = parts.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
      guard parts.count > 1, range.count == 2 else { continue }
      if range[0] <= UInt(bitPattern: address), UInt(bitPattern: address) < range[1] {
        return parts[1].contains("x")
      }
    }
    return false
  }
}
