internal import Glibc

/// A directory whose entries only this user or root can make, replace or remove.
///
/// Checked as a `TrustedFile` is. A sticky directory that others can write is refused here: they
/// could add files.
package struct TrustedDirectory: ~Copyable, Sendable {
  /// The absolute path without links.
  package let path: String
  /// Open for reading, and for `openat` and its kind.
  package let descriptor: FileDescriptor

  /// Finds, checks and opens a directory.
  ///
  /// - Throws: `TrustedFileError`, with `isMissing` when there is none.
  package init(_ path: String) throws(TrustedFileError) {
    var walk = try PathWalk(to: path)
    descriptor = try walk.openDirectory()
    self.path = walk.realPath
  }

  /// The names in it, sorted, without `.` and `..`.
  ///
  /// - Throws: `TrustedFileError` with `system`.
  package func entries() throws(TrustedFileError) -> [String] {
    // A descriptor of its own: closedir closes it, and two readers have two positions.
    let copy = openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0 else { throw TrustedFileError(reading: path) }
    guard let stream = fdopendir(copy) else {
      close(copy)
      throw TrustedFileError(reading: path)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    guard errno == 0 else { throw TrustedFileError(reading: path) }
    return names.sorted()
  }

  /// Opens a file in it. If the name is a link, its target is checked as every other file.
  ///
  /// - Throws: `TrustedFileError`, with `isMissing` when there is no such file.
  package func file(_ name: String) throws(TrustedFileError) -> TrustedFile {
    try TrustedFile("\(path)/\(name)")
  }
}
