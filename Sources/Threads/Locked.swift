#if THREAD_SANITIZER
  internal import Glibc

  /// A value behind a lock, for builds under the thread sanitizer, which cannot see into the library
  /// of `Synchronization.Mutex` and takes what a contended one guards for a race.
  // @unchecked: the value is reached through the lock only.
  public struct Locked<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// Puts a value behind a new lock.
    public init(_ initialValue: consuming sending Value) {
      mutex = .allocate(capacity: 1)
      pthread_mutex_init(mutex, nil)
      value = .allocate(capacity: 1)
      value.initialize(to: initialValue)
    }

    deinit {
      value.deinitialize(count: 1)
      value.deallocate()
      pthread_mutex_destroy(mutex)
      mutex.deallocate()
    }

    /// Runs `body` with the value while this thread holds the lock. Not reentrant.
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      pthread_mutex_lock(mutex)
      defer { pthread_mutex_unlock(mutex) }
      return try body(&value.pointee)
    }
  }
#else
  public import Synchronization

  /// A value behind a lock.
  public typealias Locked<Value: ~Copyable> = Mutex<Value>
#endif
