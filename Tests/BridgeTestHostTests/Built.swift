import Glibc
import Testing

/// Shared objects of the build, and one that tests compile.
enum Built {
  /// Where the package manager puts shared objects: beside the test program.
  private static let directory: String = {
    let program = realpath("/proc/self/exe", nil)!
    defer { free(program) }
    let path = String(cString: program)
    return String(path[..<path.lastIndex(of: "/")!])
  }()

  /// The top of the project.
  static let project = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  static let exampleTools = "\(directory)/libExampleTools.so"
  static let testPlugin = "\(directory)/libTestPlugin.so"
  static let libm = "\(project)/Plugins/ExampleToolsC/libm.native.json"

  /// `Tests/PluginFixtures/rules.c`, compiled once; the file goes with the process's directory of
  /// temporary files.
  static let rules: String = {
    var template = Array("/tmp/bridge-test-host-XXXXXX".utf8CString)
    let directory = String(cString: mkdtemp(&template))
    let path = "\(directory)/rules.so"
    let command =
      "clang -std=gnu17 -g -shared -fPIC -fvisibility=hidden -Wall -Wextra -Werror -pthread"
      + " -I'\(project)/Sources/BridgePluginABI/include'"
      + " '\(project)/Tests/PluginFixtures/rules.c' -o '\(path)'"
    precondition(system(command) == 0, command)
    chmod(path, 0o755)
    atexit {
      unlink(Built.rules)
      rmdir(String(Built.rules[..<Built.rules.lastIndex(of: "/")!]))
    }
    return path
  }()
}
