import Glibc
import Testing

/// A file that is gone with the value.
final class TemporaryFile: Sendable {
  let path: String

  init(_ content: String) throws {
    var template = Array("/tmp/bridge-host-test-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    close(descriptor)
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    try write(content)
  }

  /// Puts a new file in the place of the old, as editors do.
  func write(_ content: String) throws {
    let file = try #require(fopen(path + ".new", "w"))
    fputs(content, file)
    fclose(file)
    try #require(rename(path + ".new", path) == 0)
  }

  deinit { unlink(path) }
}
