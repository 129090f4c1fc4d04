internal import Glibc

/// The file that tells a launcher the port.
enum ReadyFile {
  /// Writes the file beside its place and moves it there, so that whoever sees it sees all of it.
  ///
  /// - Throws: `PlainError`.
  static func write(_ name: String, to path: String) throws {
    let temporary = path + ".tmp"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure(path) }
    let isWritten = writeWhole(Array(name.utf8), to: file)
    let number = errno
    close(file)
    guard isWritten else {
      errno = number
      throw failure(path)
    }
    guard rename(temporary, path) == 0 else { throw failure(path) }
  }

  private static func failure(_ path: String) -> PlainError {
    PlainError("the ready file \(path) cannot be written: \(String(cString: strerror(errno)))")
  }
}
