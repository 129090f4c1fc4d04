import Glibc
import Testing

/// The library as its users have it: a program in C is linked with it, and run.
@Suite struct LibraryTests {
  /// Where the package manager puts shared objects: beside the test program.
  private static let directory: String = {
    let program = realpath("/proc/self/exe", nil)!
    defer { free(program) }
    let path = String(cString: program)
    return String(path[..<path.lastIndex(of: "/")!])
  }()

  private static let project =
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  /// Runs a command of the shell.
  ///
  /// - Returns: Its output and its exit code.
  private func run(_ command: String) -> (output: String, code: CInt) {
    let pipe = popen(command + " 2>&1", "r")!
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 {
      output += buffer.prefix(count)
    }
    let status = pclose(pipe)
    return (String(decoding: output, as: UTF8.self), status & 0x7f == 0 ? status >> 8 : -1)
  }

  /// Compiles library_test.c, and runs `body` with the program's path.
  private func withProgram(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/bridge-library-test-XXXXXX".utf8CString)
    let folder = String(cString: mkdtemp(&template))
    defer {
      unlink("\(folder)/library_test")
      rmdir(folder)
    }
    let (output, code) = run(
      "clang -std=c11 -Wall -Wextra -Werror -I'\(Self.project)/Sources/BridgePluginABI/include'"
        + " -I'\(Self.project)/Sources/BridgeTestLibrary/include'"
        + " '\(Self.project)/Tests/BridgeTestLibraryTests/library_test.c'"
        + " -o '\(folder)/library_test' -L'\(Self.directory)' -lbridge_plugin_testing"
        + " -Wl,-rpath,'\(Self.directory)' -pthread")
    try #require(code == 0, "\(output)")
    try body("\(folder)/library_test")
  }

  @Test func allFunctions() throws {
    try withProgram { program in
      let (output, code) = run("'\(program)' '\(Self.directory)/libExampleTools.so'")
      #expect(code == 0, "\(output)")
      // Differences that the program has brought about are shown.
      #expect(output.contains("  - \"ho\"\n  + \"hi\"\n"))
      #expect(output.contains("temperature = 43.0") && output.contains("  - 42.0\n"))
    }
  }

  @Test func manyThreadsHaveHostsOfTheirOwn() throws {
    try withProgram { program in
      let (output, code) = run("'\(program)' '\(Self.directory)/libExampleTools.so' threads")
      #expect(code == 0, "\(output)")
    }
  }

  @Test func nothingElseIsExported() {
    let (output, _) = run(
      "nm -D --defined-only '\(Self.directory)/libbridge_plugin_testing.so' | awk '$2 == \"T\" { print $3 }'"
    )
    // And the `exit` that plugins call, which a program that is linked with it gives them.
    let names = output.split(separator: "\n").filter { $0 != "exit" }
    #expect(names.count == 12 && names.allSatisfy { $0.hasPrefix("bridge_test_") }, "\(output)")
  }
}
