internal import Threads

/// Keeps what sessions commit.
///
/// Thread-safe.
public protocol SessionJournal: AnyObject, Sendable {
  /// A session begins.
  ///
  /// - Parameter session: As it begins: empty, or as it was restored.
  /// - Returns: What hears of its changes.
  func begin(_ session: SessionImage) -> any SessionRecorder

  /// Whether the journal takes more; asked before a change is made, so that none is made that
  /// cannot be kept.
  ///
  /// - Throws: `SessionError` with code `storageUnavailable`.
  func checkAvailable() throws(SessionError)

  /// Whether changes are acknowledged only when they are stored.
  var acknowledgesStored: Bool { get }

  /// Calls `body` once everything recorded so far is stored, or with what went wrong. Any thread.
  func whenStored(_ body: @escaping @Sendable (SessionError?) -> Void)
}

extension Session {
  /// Whether changes are acknowledged only when they are stored.
  public var acknowledgesStored: Bool { journal?.acknowledgesStored ?? false }

  /// Blocks until everything committed so far is stored, where that is what acknowledging means.
  /// Not on an event loop.
  ///
  /// - Throws: `SessionError` with code `storageUnavailable`.
  public func waitUntilStored() throws(SessionError) {
    guard let journal, journal.acknowledgesStored else { return }
    let condition = Condition()
    // Guarded by the condition.
    nonisolated(unsafe) var outcome: SessionError??
    journal.whenStored { error in
      condition.withLock {
        outcome = .some(error)
        condition.signal()
      }
    }
    let error = condition.withLock { () -> SessionError? in
      while true {
        if let outcome { return outcome }
        condition.wait()
      }
    }
    if let error { throw error }
  }
}

/// Hears of what happens to one session, in order.
///
/// Called under the session's lock: it must only take note.
public protocol SessionRecorder: AnyObject, Sendable {
  /// - Parameters:
  ///   - mutation: What was decided. Applied to an equal session it makes the same changes.
  ///   - changes: What applying it made, all of one revision; empty for a dependency and the end.
  func applied(_ mutation: Mutation, changes: [Change])
}
