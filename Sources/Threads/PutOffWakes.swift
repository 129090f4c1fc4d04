internal import Glibc

/// Something that sleeps until it is woken, and then sees to all that there is.
public protocol Sleeper: AnyObject, Sendable {
  /// Wakes it, if there is something to see to. `[any thread]`
  func wake()
}

/// Wakes that a thread puts off while it does several short things in a row: to wake another thread costs
/// more than many of them.
///
/// Whoever owns a thread makes it `current` there, opens it for work that is known to be short, and flushes
/// it soon. Thread-safe, so that another thread can flush when the work was not short after all.
public final class PutOffWakes: Sendable {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    // EAGAIN with a thousand keys, ENOMEM.
    precondition(pthread_key_create(&key, nil) == 0, "out of thread-specific keys")
    return key
  }()

  private struct State {
    var isOpen = false
    var sleepers: [any Sleeper] = []
  }
  private let state = Locked(State())

  /// Puts nothing off yet.
  public init() {}

  /// Those of the calling thread, if it has some.
  public static var current: PutOffWakes? {
    guard let pointer = pthread_getspecific(key) else { return nil }
    return Unmanaged<PutOffWakes>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// Runs `body` on the calling thread, whose wakes these are meanwhile. What is left then is flushed.
  public func asCurrent(_ body: () -> Void) {
    pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
    body()
    pthread_setspecific(Self.key, nil)
    flush()
  }

  /// From now on wakes are put off.
  public func open() { state.withLock { $0.isOpen = true } }

  /// Puts a wake off.
  ///
  /// - Returns: false when none are put off now: the caller wakes the sleeper itself.
  public func add(_ sleeper: any Sleeper) -> Bool {
    state.withLock { state in
      guard state.isOpen else { return false }
      if !state.sleepers.contains(where: { $0 === sleeper }) { state.sleepers.append(sleeper) }
      return true
    }
  }

  /// Wakes all whose wakes were put off; from now on none are.
  public func flush() {
    let sleepers = state.withLock { state in
      state.isOpen = false
      defer { state.sleepers.removeAll() }
      return state.sleepers
    }
    for sleeper in sleepers { sleeper.wake() }
  }
}
