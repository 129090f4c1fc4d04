internal import BridgePluginChannel
internal import Glibc

/// Catches what the process prints.
final class Printed {
  private let file: CInt
  private let caught: [CInt]
  private var streams: [CInt] = []

  /// - Parameter only: The one that is caught of standard output, 1, and standard error, 2; nil for both.
  init(only: CInt? = nil) throws(ValidationError) {
    caught = only.map { [$0] } ?? [STDOUT_FILENO, STDERR_FILENO]
    file = ChildSystem.makeSharedMemory()
    guard file >= 0 else { throw ValidationError("there is no memory for what is printed") }
  }

  deinit { close(file) }

  /// From now on, what is printed is caught.
  func begin() {
    fflush(nil)
    ftruncate(file, 0)
    lseek(file, 0, SEEK_SET)
    streams = caught.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
    for stream in caught { dup2(file, stream) }
  }

  /// From now on it goes where it went before.
  ///
  /// - Returns: The beginning of what was printed; nil where nothing was.
  @discardableResult
  func end() -> String? {
    fflush(nil)
    guard !streams.isEmpty else { return nil }
    for (stream, kept) in zip(caught, streams) {
      dup2(kept, stream)
      close(kept)
    }
    streams = []
    var bytes = [UInt8](repeating: 0, count: 200)
    let count = pread(file, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    let text = String(decoding: bytes[..<count], as: UTF8.self)
    return text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init)
  }
}
