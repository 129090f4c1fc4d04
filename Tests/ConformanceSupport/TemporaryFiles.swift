internal import Glibc
internal import Threads

/// Files in a directory of their own, which only this user can read. Thread-safe.
package final class TemporaryFiles: Sendable {
  private let directory: String
  private let paths = Locked<[String]>([])

  /// Why a file could not be made.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Makes the directory.
  package init() throws {
    var template = Array("/tmp/conformance-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(description: "/tmp cannot be written") }
    directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { remove() }

  /// Removes the files and the directory; may be called again.
  package func remove() {
    paths.withLock { paths in
      for path in paths { unlink(path) }
      paths = []
    }
    rmdir(directory)
  }

  /// Makes a file.
  ///
  /// - Returns: Its path.
  package func add(_ name: String, _ content: [UInt8]) throws -> String {
    let path = "\(directory)/\(name)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Failure(description: "\(path) cannot be made") }
    paths.withLock { $0.append(path) }
    defer { close(descriptor) }
    guard write(descriptor, content, content.count) == content.count else {
      throw Failure(description: "\(path) cannot be written")
    }
    return path
  }
}
