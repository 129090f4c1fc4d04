internal import Glibc

/// The signals by which a suite ends a program it tests.
package enum EndingSignals {
  private static func makeSet() -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    return set
  }

  /// Leaves them to `wait`. To be called before there are other threads, which take this over.
  package static func hold() {
    var set = makeSet()
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Blocks its thread until one of them arrives.
  package static func wait() {
    var set = makeSet()
    var signal: CInt = 0
    while sigwait(&set, &signal) != 0 {}
  }
}
