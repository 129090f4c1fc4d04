internal import Glibc
internal import Threads

/// One run of a plugin's callback on a thread of the host: what those wait for who end its
/// subscription, and who may be waiting himself for another run.
// @unchecked: `waitsFor` is guarded by `edges`.
final class CallbackRun: @unchecked Sendable {
  private var waitsFor: CallbackRun?

  /// Guards `waitsFor` of all runs, so that of several that begin to wait for each other the last
  /// one sees the others.
  private static let edges = Locked(())

  /// The run that the calling thread is inside of.
  static var current: CallbackRun? {
    pthread_getspecific(key).map { Unmanaged<CallbackRun>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Makes this the calling thread's run. Whoever enters it keeps a reference until `leave`.
  func enter() { pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque()) }

  func leave() { pthread_setspecific(Self.key, nil) }

  /// Notes that this run waits for another from now on.
  ///
  /// - Returns: false when the other waits for this one, directly or through others, so that neither
  ///   would ever end; nothing is noted then.
  func beginWaiting(for other: CallbackRun) -> Bool {
    Self.edges.withLock { _ in
      var next: CallbackRun? = other
      // There is an end: nothing that closes a circle is ever noted.
      while let run = next {
        if run === self { return false }
        next = run.waitsFor
      }
      waitsFor = other
      return true
    }
  }

  func endWaiting() { Self.edges.withLock { _ in waitsFor = nil } }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key, nil)
    precondition(status == 0, "the process has no more thread-specific keys")
    return key
  }()
}
