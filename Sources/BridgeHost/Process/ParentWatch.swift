internal import Glibc
internal import Threads

/// Notices that whoever has started this process is gone: its end of standard input is closed then, also
/// when it was killed.
enum ParentWatch {
  /// Why the host ends then.
  static let reason = "the end of standard input"

  /// Microseconds after which the process is gone in any case: what hangs in a tool has nobody any more.
  private static let patience: UInt32 = 1_500_000

  /// Begins to read standard input, which is of no other use.
  ///
  /// - Parameter ended: Called once, on a thread of its own. It may also come when the host ends already.
  static func begin(_ ended: @escaping @Sendable () -> Void) {
    var status = stat()
    guard fstat(STDIN_FILENO, &status) == 0 else { return }
    // A terminal, a file or /dev/null says nothing of a parent.
    guard [S_IFIFO, S_IFSOCK].contains(status.st_mode & S_IFMT) else { return }
    _ = startThread(named: "stdin") {
      waitForEnd()
      // First of all: `ended` may be what hangs.
      _ = startThread(named: "last-moment") {
        usleep(patience)
        _exit(0)
      }
      ended()
    }
  }

  private static func waitForEnd() {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(STDIN_FILENO, &bytes, bytes.count)
      if count == 0 { return }
      if count > 0 || errno == EINTR { continue }
      guard errno == EAGAIN else { return }
      // Others have made it non-blocking.
      var ready = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      poll(&ready, 1, -1)
    }
  }
}
