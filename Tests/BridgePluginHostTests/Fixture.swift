import Glibc
import Testing
import TrustedFiles

/// A shared object that a test compiles of `Tests/PluginFixtures`, in a directory of its own.
///
/// The directory goes with it; what is loaded stays, since the host loads a copy.
final class Fixture {
  let directory: String
  let path: String

  /// The top of the project.
  static let project = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  /// - Parameters:
  ///   - source: A file of `Tests/PluginFixtures`; C++ by its name's end.
  ///   - definitions: Of the preprocessor; a text is quoted.
  ///   - name: Of the shared object, without its end.
  init(_ source: String, _ definitions: [String: String?] = [:], as name: String = "fixture") throws
  {
    directory = Self.makeDirectory()
    path = "\(directory)/\(name).so"
    let isC = source.hasSuffix(".c")
    var command = isC ? "clang -std=gnu17" : "clang++ -std=c++17"
    command += " -g -shared -fPIC -fvisibility=hidden -Wall -Wextra -Werror"
    command += " -I'\(Self.project)/Sources/BridgePluginABI/include'"
    for (name, value) in definitions {
      command += " '-D\(name)" + (value.map { "=\"\($0)\"'" } ?? "'")
    }
    command += " '\(Self.project)/Tests/PluginFixtures/\(source)' -o '\(path)' -lm"
    try #require(system(command) == 0, "\(command)")
    chmod(path, 0o755)
  }

  static func makeDirectory() -> String {
    var template = Array("/tmp/bridge-host-test-XXXXXX".utf8CString)
    return String(cString: mkdtemp(&template))
  }

  deinit {
    let names = (try? TrustedDirectory(directory).entries()) ?? []
    for name in names { unlink("\(directory)/\(name)") }
    rmdir(directory)
  }

  /// Writes a file beside the shared object.
  func write(_ name: String, _ text: String, mode: mode_t = 0o644) {
    let file = fopen("\(directory)/\(name)", "w")!
    fputs(text, file)
    fclose(file)
    chmod("\(directory)/\(name)", mode)
  }

  /// What a file of `Tests/PluginFixtures` holds.
  static func text(_ name: String) -> String {
    contents("\(project)/Tests/PluginFixtures/\(name)")
  }

  /// What a file of the directory holds; empty where there is none.
  func read(_ name: String) -> String { Self.contents("\(directory)/\(name)") }

  private static func contents(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// Waits for what another thread does.
  static func eventually(_ isSo: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<20_000 {
      if try isSo() { return true }
      usleep(1000)
    }
    return false
  }
}

/// A directory of a test's own, removed at the end.
final class Scratch: Sendable {
  let path = Fixture.makeDirectory()

  deinit {
    let names = (try? TrustedDirectory(path).entries()) ?? []
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  func write(_ name: String, _ text: String, mode: mode_t = 0o644) {
    let file = fopen("\(path)/\(name)", "w")!
    fputs(text, file)
    fclose(file)
    chmod("\(path)/\(name)", mode)
  }

  /// Copies a plugin of the build.
  func copy(_ plugin: String, as name: String) {
    #expect(
      system("cp '\(Plugins.directory)/\(plugin)' '\(path)/\(name)' && chmod 755 '\(path)/\(name)'")
        == 0)
  }
}
