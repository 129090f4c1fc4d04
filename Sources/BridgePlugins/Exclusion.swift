internal import Threads

/// Lets one thread in at a time, for as long as it takes.
final class Exclusion: Sendable {
  private let isFree = Condition()
  private let isTaken = Locked(false)

  /// Waits for its turn, and runs `body`. Not reentrant.
  func take<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    isFree.withLock {
      while isTaken.withLock(\.self) { isFree.wait() }
      isTaken.withLock { $0 = true }
    }
    defer {
      isFree.withLock {
        isTaken.withLock { $0 = false }
        isFree.signal()
      }
    }
    return try body()
  }
}
