internal import Glibc

/// What one thread waits at until another one lets it go on.
///
/// Cheaper than a `Condition` where no lock goes with it.
/// Source: POSIX.1-2017, sem_wait.
// @unchecked: the primitive is made to be shared, and never moves.
public final class Semaphore: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  /// Makes one at which nobody may go on yet.
  public init() { sem_init(semaphore, 0, 0) }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  /// Lets one `wait` return, one that waits or the next.
  public func signal() { sem_post(semaphore) }

  /// Waits for a `signal`.
  public func wait() {
    // EINTR, when a handler of a signal has run.
    while sem_wait(semaphore) != 0 {}
  }
}
