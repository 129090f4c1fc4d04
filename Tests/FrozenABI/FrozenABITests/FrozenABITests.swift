import Glibc
import Testing

/// The ABI between versions that do not know of each other; see `Pairing/main.swift`.
@Suite struct FrozenABITests {
  /// Where the package manager puts programs and shared objects: beside the test program.
  private static let directory: String = {
    let program = realpath("/proc/self/exe", nil)!
    defer { free(program) }
    let path = String(cString: program)
    return String(path[..<path.lastIndex(of: "/")!])
  }()

  @Test(arguments: ["Pairing", "NextPairing"])
  func pluginsAndHostsOfBothVersionsWorkTogether(program: String) {
    let pipe = popen("timeout 120 '\(Self.directory)/\(program)' '\(Self.directory)' 2>&1", "re")!
    var output = ""
    var line = [CChar](repeating: 0, count: 4096)
    while fgets(&line, CInt(line.count), pipe) != nil {
      output += String(
        decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    #expect(pclose(pipe) == 0, "\(output)")
    #expect(output.hasSuffix("all pairs work\n"), "\(output)")
  }
}
