internal import Glibc
internal import Threads

/// The descriptors that `serve` is started with.
///
/// Standard output is a protocol with the launcher: the ready line alone goes there, through a
/// duplicate that plugins do not know. What they print goes to standard error, which never makes them
/// wait. The log has a duplicate of standard error that waits for its reader, on a thread of its own.
struct ProcessDescriptors {
  /// For the ready line.
  let readyLine: CInt
  /// For the log.
  let log: CInt

  /// Takes over the descriptors. Before anything is opened and before any thread is made.
  init() {
    // What the launcher left open by accident, such as another server's port, is not ours to keep.
    closefrom(3)
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
      // The lowest free number, which is this one: otherwise the next file that is opened would get
      // it, and what is printed would go there.
      _ = open("/dev/null", O_RDWR)
    }
    readyLine = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
    Self.makeStandardErrorNonBlocking()
    dup2(STDERR_FILENO, STDOUT_FILENO)
  }

  /// Tells the launcher that the host serves. A launcher that does not read must not stop the host.
  func sayReady(_ name: String) {
    let (descriptor, line) = (readyLine, Array("GRPC_READY:\(name)\n".utf8))
    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    // A pipe that has room takes a short line whole (pipe(7), PIPE_BUF).
    if poll(&ready, 1, 0) == 1 {
      _ = writeWhole(line, to: descriptor)
    } else {
      _ = startThread(named: "ready-line") { _ = writeWhole(line, to: descriptor) }
    }
  }

  /// What is printed to standard error is lost when its reader does not keep up, instead of stopping
  /// the thread that prints.
  ///
  /// The flag belongs to the open file, which others share: so a pipe or terminal is opened once
  /// more. Regular files do not wait for a reader. A socket cannot be opened by its name, and gets a
  /// time limit.
  private static func makeStandardErrorNonBlocking() {
    var status = stat()
    guard fstat(STDERR_FILENO, &status) == 0 else { return }
    switch status.st_mode & S_IFMT {
    case S_IFIFO, S_IFCHR:
      let own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
      guard own >= 0 else { return }
      dup2(own, STDERR_FILENO)
      close(own)
    case S_IFSOCK:
      var limit = timeval(tv_sec: 0, tv_usec: 20_000)
      setsockopt(
        STDERR_FILENO, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    default: break
    }
  }
}
