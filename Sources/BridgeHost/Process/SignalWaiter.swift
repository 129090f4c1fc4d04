internal import Glibc
internal import Threads

/// SIGTERM and SIGINT as something to wait for. SIGPIPE never comes: writes answer EPIPE.
///
/// Source: POSIX.1-2017, sigwait: the signals are blocked in every thread, and one thread takes
/// them.
// @unchecked: what is `var` is guarded by `condition`.
final class SignalWaiter: @unchecked Sendable {
  private var signals = sigset_t()
  private let condition = Condition()
  private var received: String?
  private var isAwaited = false

  /// Blocks the signals in this thread and all it will make.
  ///
  /// Until `expect` is called there is nothing to end in order: the first signal ends the process.
  init() {
    setDefaultActions()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    // Ignored for tools whose threads unblock it, and blocked in every thread: a plugin may give the
    // whole process another action, and the next client that goes away would end it.
    signal(SIGPIPE, SIG_IGN)
    var pipe = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipe, nil)
    if !startThread(named: "signals", { self.takeOne() }) { exitOnNext() }
  }

  private func takeOne() {
    var signals = signals
    var number: CInt = 0
    sigwait(&signals, &number)
    take(number)
  }

  /// A signal has come: it is kept, or ends the process.
  func take(_ number: CInt) { end(number == SIGTERM ? "SIGTERM" : "SIGINT") }

  /// The process is to end, as for a signal. Any thread.
  func end(_ reason: String) {
    condition.withLock {
      // Not `exit`: what a plugin registered there could block once more.
      if !isAwaited { _exit(0) }
      received = reason
      condition.broadcast()
    }
  }

  /// From now on a signal is kept until `wait` is called. Before anybody is told that the process is
  /// ready: who knows that may end it at once.
  func expect() { condition.withLock { isAwaited = true } }

  /// Waits for one of the signals, after `expect`.
  ///
  /// - Returns: Its name, or the reason that `end` was given.
  func wait() -> String {
    condition.withLock {
      while true {
        if let received { return received }
        condition.wait()
      }
    }
  }

  /// Lets the next of the signals end the process at once, as is their default.
  func exitOnNext() {
    setDefaultActions()
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Before plugins are loaded, too: what they change of the actions is noticed against these.
  private func setDefaultActions() {
    signal(SIGTERM, SIG_DFL)
    signal(SIGINT, SIG_DFL)
  }
}
