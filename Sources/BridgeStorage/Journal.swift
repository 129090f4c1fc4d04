public import BridgeSessions
public import Logging
internal import Synchronization
internal import Threads

/// Keeps sessions and variables across restarts and crashes.
///
/// It takes note of what sessions do; a thread of its own hands that to a backend, many records in one
/// group. A revision is stored whole or not at all. Thread-safe.
public final class Journal: SessionJournal {
  /// What a client may rely on when a write is acknowledged.
  public enum Durability: Sendable, Equatable {
    /// It is on disk.
    case always
    /// It will be on disk within so many milliseconds.
    case interval(milliseconds: Int)
  }

  private let durability: Durability
  private let logger: Logger
  /// The writer's, once `restore` has started it.
  private let backend: Locked<any JournalBackend>
  private let condition = Condition()
  // Guarded by `condition`.
  private nonisolated(unsafe) var state: JournalState
  private nonisolated(unsafe) var hasWriter = false
  private let lastKey = Atomic<Int64>(0)
  /// The phase as `checkAvailable` reads it, without the lock.
  private let refusal = Atomic<Refusal>(.none)

  private enum Refusal: UInt8, AtomicRepresentable {
    case none, failing, behind
  }

  /// Records waiting above this are too many: writes are refused until half of it is stored.
  private static let backlogLimit = 128 << 20

  /// - Parameter backend: Used by the journal alone from now on.
  public init(backend: sending any JournalBackend, durability: Durability, logger: Logger) {
    self.backend = Locked(backend)
    self.durability = durability
    self.logger = logger
    var delay = 0
    if case .interval(let milliseconds) = durability { delay = milliseconds }
    self.state = JournalState(groupDelay: delay, backlogLimit: Self.backlogLimit)
  }

  /// Makes the sessions that are stored, and starts to store what happens to them from now on.
  ///
  /// A session keeps its epoch when the host before was shut down in order. After a crash it gets a
  /// new one: watches may have reported changes that were not stored.
  ///
  /// - Returns: How many sessions and variables there were.
  /// - Throws: `StorageError` when what is stored cannot be read.
  public func restore(
    into store: SessionStore
  ) throws(StorageError) -> (sessions: Int, variables: Int) {
    let counts = try reading { try $0.withLock { try self.restore(from: $0, into: store) } }
    condition.withLock { hasWriter = true }
    guard startThread(named: "storage", { self.run() }) else {
      condition.withLock { hasWriter = false }
      throw StorageError("the system has no thread left for storing")
    }
    return counts
  }

  private func reading<Result>(
    _ body: (borrowing Locked<any JournalBackend>) throws -> Result
  ) throws(StorageError) -> Result {
    do {
      return try body(backend)
    } catch let error as StorageError {
      throw error
    } catch {
      throw StorageError("what is stored cannot be read: \(error)")
    }
  }

  private func restore(
    from backend: any JournalBackend, into store: SessionStore
  ) throws -> (Int, Int) {
    let wasClosedInOrder = try backend.open()
    var counts = (sessions: 0, variables: 0)
    var renewed: [JournalRecord] = []
    try backend.readAll { image, key in
      var image = image
      if !wasClosedInOrder {
        image.epoch = Session.makeEpoch()
        renewed.append(JournalRecord(.renewed(epoch: image.epoch), key: key))
      }
      lastKey.store(max(lastKey.load(ordering: .relaxed), key), ordering: .relaxed)
      try store.restore(image, recorder: Recorder(journal: self, key: key))
      counts = (counts.sessions + 1, counts.variables + image.variables.count)
    }
    if !renewed.isEmpty { try backend.write(renewed) }
    return counts
  }

  /// Stores what is left and closes.
  public func stop() {
    let hasWriter = condition.withLock {
      update { $0.stop() }
      condition.broadcast()
      return self.hasWriter
    }
    // What could not be restored was not changed either.
    guard hasWriter else { return }
    let isComplete = condition.withLock {
      while state.phase != .stopped { condition.wait() }
      return state.isComplete
    }
    do {
      try backend.withLock { try $0.close(inOrder: isComplete) }
    } catch {
      logger.error("the state was not closed in order", metadata: ["error": "\(error)"])
    }
  }

  // MARK: What sessions ask and tell

  /// Whether a write is acknowledged only when it is on disk.
  public var acknowledgesStored: Bool { durability == .always }

  /// Whether changes are taken now.
  ///
  /// - Throws: `SessionError` with code `storageUnavailable` while the backend fails or is behind.
  public func checkAvailable() throws(SessionError) {
    switch refusal.load(ordering: .relaxed) {
    case .none: return
    case .failing:
      throw SessionError(
        .storageUnavailable, "the state directory cannot be written; see the host's log",
        isTransient: true)
    case .behind:
      throw SessionError(
        .storageUnavailable, "the state directory does not keep up with the writes; try again",
        isTransient: true)
    }
  }

  /// Notes a session that begins; see `SessionJournal`.
  public func begin(_ session: SessionImage) -> any SessionRecorder {
    let key = lastKey.add(1, ordering: .relaxed).newValue
    append(JournalRecord(.began(session), key: key))
    return Recorder(journal: self, key: key)
  }

  /// Calls `body` when what was recorded so far is stored, or is known not to be. Any thread.
  public func whenStored(_ body: @escaping @Sendable (SessionError?) -> Void) {
    if let answer = condition.withLock({ state.wait(body) }) { body(answer) }
  }

  private func append(_ record: JournalRecord) {
    condition.withLock {
      if update({ $0.append(record) }) { condition.broadcast() }
    }
  }

  private final class Recorder: SessionRecorder {
    let journal: Journal
    let key: Int64

    init(journal: Journal, key: Int64) {
      self.journal = journal
      self.key = key
    }

    func applied(_ mutation: Mutation, changes: [Change]) {
      journal.append(JournalRecord(.applied(mutation, changes), key: key))
    }
  }

  /// Changes the state and keeps what `checkAvailable` reads in step. Under the lock.
  private func update<Result>(_ body: (inout JournalState) -> Result) -> Result {
    let before = state.phase
    let result = body(&state)
    if state.phase != before {
      let refusal: Refusal =
        switch state.phase {
        case .open, .stopping, .stopped: .none
        case .failing: .failing
        case .behind: .behind
        }
      self.refusal.store(refusal, ordering: .relaxed)
    }
    return result
  }

  // MARK: The thread that writes

  private func run() {
    while case .write(let records) = nextWork() {
      let isStored = store(records)
      let waiters = condition.withLock { update { isStored ? $0.wrote() : $0.failed() } }
      for waiter in waiters { waiter(isStored ? nil : JournalState.notStored) }
    }
    condition.withLock { condition.broadcast() }
  }

  /// Waits until there is something to write or the journal has stopped.
  private func nextWork() -> JournalState.Step {
    condition.withLock {
      while true {
        let step = update { $0.nextStep() }
        switch step {
        case .wait: condition.wait()
        case .delay(let milliseconds):
          let end = MonotonicClock.now + Int64(milliseconds) * 1_000_000
          while state.phase != .stopping && condition.wait(until: end) {}
        case .write, .stop: return step
        }
      }
    }
  }

  private func store(_ records: [JournalRecord]) -> Bool {
    let wasFailing = refusal.load(ordering: .relaxed) == .failing
    do {
      try backend.withLock { try $0.write(records) }
      if wasFailing { logger.notice("the state directory can be written again") }
      return true
    } catch {
      if !wasFailing {
        logger.error(
          "the state directory cannot be written: writes are refused until it can",
          metadata: ["error": "\(error)"])
      }
      return false
    }
  }
}
