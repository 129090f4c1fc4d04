internal import Glibc

/// What a thread puts off until it has done what it is about, so that many small things become one: a message
/// to another process for all the calls that came in one packet.
///
/// Each thread has its own turns. Thread-safe.
public enum Turn {
  /// Work that can be put off.
  public protocol Work: AnyObject {
    /// The turn is over: do it now.
    func turnEnds()
  }

  /// What one thread has put off.
  private final class Pending {
    var depth = 0
    var work: [any Work] = []
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { Unmanaged<Pending>.fromOpaque($0!).release() }
    return key
  }()

  /// Runs `body`, and at its end what was put off meanwhile. A turn inside another one is a part of it.
  public static func run<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let pending = own()
    pending.depth += 1
    defer {
      pending.depth -= 1
      if pending.depth == 0 && !pending.work.isEmpty { end(pending) }
    }
    return try body()
  }

  private static func end(_ pending: Pending) {
    // What it does may put off more, which is done at once.
    let work = pending.work
    pending.work = []
    for work in work { work.turnEnds() }
  }

  private static func own() -> Pending {
    if let known = pthread_getspecific(key) {
      return Unmanaged<Pending>.fromOpaque(known).takeUnretainedValue()
    }
    let new = Pending()
    pthread_setspecific(key, Unmanaged.passRetained(new).toOpaque())
    return new
  }

  /// Has work done at the end of this thread's turn, once; at once where there is none.
  public static func putOff(_ work: any Work) {
    guard let known = pthread_getspecific(key) else { return work.turnEnds() }
    let pending = Unmanaged<Pending>.fromOpaque(known).takeUnretainedValue()
    guard pending.depth > 0 else { return work.turnEnds() }
    if !pending.work.contains(where: { $0 === work }) { pending.work.append(work) }
  }
}
