import Glibc

/// Shared objects of the build.
enum Built {
  /// Where the package manager puts them: beside the test program.
  private static let directory: String = {
    let program = realpath("/proc/self/exe", nil)!
    defer { free(program) }
    let path = String(cString: program)
    return String(path[..<path.lastIndex(of: "/")!])
  }()

  static let exampleTools = directory + "/libExampleTools.so"
  static let exampleToolsC = directory + "/libExampleToolsC.so"
}
