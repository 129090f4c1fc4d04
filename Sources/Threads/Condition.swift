internal import Glibc

/// A lock with a condition variable: for threads that wait for something to happen.
///
/// Source: POSIX.1-2017, pthread_cond_timedwait.
// @unchecked: the two primitives are made to be shared, and never move.
public final class Condition: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// Makes a lock that nobody holds.
  public init() {
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    // What it guards is short: who meets another thread inside tries again before it sleeps.
    var kind = pthread_mutexattr_t()
    pthread_mutexattr_init(&kind)
    pthread_mutexattr_settype(&kind, CInt(PTHREAD_MUTEX_ADAPTIVE_NP))
    pthread_mutex_init(mutex, &kind)
    pthread_mutexattr_destroy(&kind)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
    condition.deallocate()
  }

  /// Runs `body` while this thread holds the lock. Not reentrant.
  public func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }

  /// Waits, the lock released meanwhile. Wakes may be spurious. `withLock` only.
  public func wait() {
    pthread_cond_wait(condition, mutex)
  }

  /// Waits until a moment of the monotonic clock at the latest. `withLock` only.
  ///
  /// - Returns: false when the time is over.
  public func wait(until nanoseconds: Int64) -> Bool {
    let second = MonotonicClock.second
    var time = timespec(tv_sec: Int(nanoseconds / second), tv_nsec: Int(nanoseconds % second))
    return pthread_cond_timedwait(condition, mutex, &time) == 0
  }

  /// Wakes one thread that waits.
  public func signal() { pthread_cond_signal(condition) }

  /// Wakes all threads that wait.
  public func broadcast() { pthread_cond_broadcast(condition) }
}
