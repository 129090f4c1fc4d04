import ArgumentParser
import Glibc

/// Files in a directory of their own, which only this user can read and which is gone with the value.
final class TemporaryFiles {
  private let directory: String
  private var paths: [String] = []

  init() throws {
    var template = Array("/tmp/conformance-server-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ValidationError("/tmp cannot be written") }
    directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit {
    for path in paths { unlink(path) }
    rmdir(directory)
  }

  /// - Returns: The path of the new file.
  func add(_ name: String, _ content: [UInt8]) throws -> String {
    let path = "\(directory)/\(name)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw ValidationError("\(path) cannot be written") }
    paths.append(path)
    defer { close(descriptor) }
    guard write(descriptor, content, content.count) == content.count else {
      throw ValidationError("\(path) cannot be written")
    }
    return path
  }
}
