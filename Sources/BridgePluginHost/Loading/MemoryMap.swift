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
      // START-END MODES …, of which there are hundreds: numbers are read where they stand.
      var next: UnsafeMutablePointer<CChar>?
      let start = strtoul(text, &next, 16)
      guard let dash = next, dash.pointee == CChar(bitPattern: UInt8(ascii: "-")) else { continue }
      let end = strtoul(dash + 1, &next, 16)
      guard let modes = next, start <= UInt(bitPattern: address), UInt(bitPattern: address) < end
      else { continue }
      // Of " rwxp": r, w and x, or - in their places.
      return strnlen(modes, 4) == 4 && modes[3] == CChar(bitPattern: UInt8(ascii: "x"))
    }
    return false
  }
}
