internal import Glibc

/// A file that decides something: a plugin, a token file, a key, an authority, a configuration.
///
/// Only this user or root could have written it, and only they could have put it in its place: the
/// owner and mode of the file, of every directory of its real path, and the owner of every link on
/// the way are checked. It is opened once. Read it through this value, and never look up its path
/// again: what is found then may be another file.
package struct TrustedFile: ~Copyable, Sendable {
  /// The absolute path without links, for messages and for what others find beside the file.
  package let path: String
  /// Open for reading, at its beginning.
  package let descriptor: FileDescriptor

  /// Finds, checks and opens a regular file.
  ///
  /// Directories of the path may be writable by others only if they are sticky, as /tmp is: there,
  /// nobody else can replace what belongs to this user or root.
  ///
  /// - Throws: `TrustedFileError`, with `isMissing` when there is no such file.
  package init(_ path: String) throws(TrustedFileError) {
    var walk = try PathWalk(to: path)
    descriptor = try walk.openFile()
    self.path = walk.realPath
  }

  /// A file that somebody else has found and checked, such as a copy of one.
  ///
  /// - Parameters:
  ///   - path: Where it was found, without links.
  ///   - descriptor: Open for reading.
  package init(_ path: String, checked descriptor: consuming FileDescriptor) {
    self.path = path
    self.descriptor = descriptor
  }

  /// Whether users outside of the file's group can read it: too many for a secret.
  package var isReadableByEveryone: Bool { descriptor.status().st_mode & S_IROTH != 0 }

  /// The whole content.
  ///
  /// - Parameter limit: Bytes; a longer file is refused.
  /// - Throws: `TrustedFileError` with `tooLarge` or `system`.
  package func read(limit: Int) throws(TrustedFileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      // From its own offset: the descriptor's may be another reader's.
      let count = pread(descriptor.number, &chunk, chunk.count, off_t(bytes.count))
      if count < 0 {
        if errno == EINTR { continue }
        throw TrustedFileError(reading: path)
      }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= limit else {
        throw TrustedFileError(.tooLarge, "\(path) is larger than \(limit) bytes")
      }
    }
  }
}
