import Glibc

/// SIGTERM and SIGINT as something to wait for. SIGPIPE is ignored: writes answer EPIPE.
///
/// Source: POSIX.1-2017, sigwait: the signals are blocked in every thread, and one thread takes
/// them.
struct SignalWaiter {
  private var signals = sigset_t()

  /// Blocks the signals in this thread and all it will make.
  init() {
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  /// Waits for one of the signals.
  ///
  /// - Returns: Its name.
  func wait() -> String {
    var signals = signals
    var number: CInt = 0
    sigwait(&signals, &number)
    return number == SIGTERM ? "SIGTERM" : "SIGINT"
  }

  /// Lets the next of the signals end the process at once, as is their default.
  func exitOnNext() {
    var signals = signals
    signal(SIGTERM, SIG_DFL)
    signal(SIGINT, SIG_DFL)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}
