import Glibc

/// Shared objects of the build.
enum Built {
  /// Where the package manager puts them: beside the test program.
  static let exampleToolsC: String = {
    let program = realpath("/proc/self/exe", nil)!
    defer { free(program) }
    let path = String(cString: program)
    return path[..<path.lastIndex(of: "/")!] + "/libExampleToolsC.so"
  }()
}
