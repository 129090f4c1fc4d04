public import BridgeSessions
internal import Glibc
public import Logging
internal import Synchronization
internal import Threads

/// Keeps sessions and variables in a directory, across restarts and crashes.
///
/// A thread of its own writes what sessions commit to an SQLite database, many commits in one
/// transaction. A revision is stored whole or not at all. Thread-safe.
public final class SessionStorage: SessionJournal {
  /// What a client may rely on when a write is acknowledged.
  public enum Durability: Sendable, Equatable {
    /// It is on disk.
    case always
    /// It will be on disk within so many milliseconds.
    case interval(milliseconds: Int)
  }

  private let durability: Durability
  private let logger: Logger
  private let database: Locked<SessionDatabase>
  private let condition = Condition()
  // Guarded by `condition`.
  private nonisolated(unsafe) var queue = StorageQueue()
  private nonisolated(unsafe) var stored: Int64 = 0
  private nonisolated(unsafe) var isStopping = false
  private nonisolated(unsafe) var hasStopped = false

  private let lastKey = Atomic<Int64>(0)
  /// Set while the database cannot be written, or does not keep up.
  private let isFailing = Atomic<Bool>(false)
  private let isBehind = Atomic<Bool>(false)

  /// Records waiting above this are too many: writes are refused until half of it is stored.
  private static let backlogLimit = 128 << 20

  /// Opens a state directory, making it where there is none.
  ///
  /// - Parameter historyVersions: Past versions kept of a variable.
  /// - Throws: `StorageError`: it cannot be written, another host uses it, or it holds something
  ///   else.
  public init(
    directory: String, durability: Durability, historyVersions: Int, logger: Logger
  ) throws(StorageError) {
    self.durability = durability
    self.logger = logger
    if mkdir(directory, 0o700) != 0 && errno != EEXIST {
      throw StorageError(
        "state directory \(directory) cannot be made: \(String(cString: strerror(errno)))")
    }
    database = Locked(
      try SessionDatabase(
        path: "\(directory)/sessions.sqlite", historyVersions: historyVersions))
  }

  /// Makes the sessions that are stored, and starts to store what they commit from now on.
  ///
  /// A session keeps its epoch when the host before was shut down in order. After a crash it gets a
  /// new one: watches may have reported changes that were not stored.
  ///
  /// - Returns: How many sessions and variables there were.
  /// - Throws: `StorageError` when what is stored cannot be read.
  public func restore(
    into store: SessionStore
  ) throws(StorageError) -> (sessions: Int, variables: Int) {
    do {
      let counts = try database.withLock { database -> (Int, Int) in
        let isClean = try database.value("clean") == 1
        try database.set("clean", 0)
        var counts = (0, 0)
        var renewed: [(SessionImage, Int64)] = []
        try database.forEachSession { image, key in
          var image = image
          if !isClean {
            image.epoch = Session.makeEpoch()
            var empty = image
            empty.variables = []
            empty.dependencies = []
            renewed.append((empty, key))
          }
          lastKey.store(max(lastKey.load(ordering: .relaxed), key), ordering: .relaxed)
          try store.restore(image, recorder: Recorder(storage: self, key: key))
          counts = (counts.0 + 1, counts.1 + image.variables.count)
        }
        try database.transaction {
          for (image, key) in renewed { try database.add(image, key: key) }
        }
        return counts
      }
      guard startThread(named: "storage", { self.run() }) else {
        throw StorageError("the system has no thread left for storing")
      }
      return counts
    } catch let error as StorageError {
      throw error
    } catch {
      throw StorageError("what is stored cannot be read: \(error)")
    }
  }

  /// Stores what is left and closes.
  public func stop() {
    condition.withLock {
      isStopping = true
      condition.broadcast()
      while !hasStopped { condition.wait() }
    }
    do {
      try database.withLock { try $0.set("clean", isFailing.load(ordering: .relaxed) ? 0 : 1) }
    } catch {
      logger.error("the state was not closed in order", metadata: ["error": "\(error)"])
    }
  }

  // MARK: What sessions ask and tell

  public var acknowledgesStored: Bool { durability == .always }

  public func checkAvailable() throws(SessionError) {
    if isFailing.load(ordering: .relaxed) {
      throw SessionError(
        .storageUnavailable, "the state directory cannot be written; see the host's log")
    }
    if isBehind.load(ordering: .relaxed) {
      throw SessionError(
        .storageUnavailable, "the state directory does not keep up with the writes; try again")
    }
  }

  public func begin(_ session: SessionImage) -> any SessionRecorder {
    let key = lastKey.add(1, ordering: .relaxed).newValue
    append(.began(session, key: key))
    return Recorder(storage: self, key: key)
  }

  public func whenStored(_ body: @escaping @Sendable (SessionError?) -> Void) {
    let isStored = condition.withLock { () -> Bool in
      if stored == queue.lastNumber { return true }
      queue.wait(body)
      return false
    }
    if isStored { body(nil) }
  }

  private func append(_ record: StorageQueue.Record) {
    condition.withLock {
      let wasEmpty = queue.records.isEmpty
      queue.append(record)
      if queue.byteCount > Self.backlogLimit { isBehind.store(true, ordering: .relaxed) }
      if wasEmpty { condition.broadcast() }
    }
  }

  private final class Recorder: SessionRecorder {
    let storage: SessionStorage
    let key: Int64

    init(storage: SessionStorage, key: Int64) {
      self.storage = storage
      self.key = key
    }

    func committed(_ changes: [Change]) { storage.append(.committed(changes, key: key)) }

    func dependencyAdded(source: String, dependent: String, type: String) {
      storage.append(
        .dependency(
          DependencyImage(source: source, dependent: dependent, type: type), key: key))
    }

    func ended() { storage.append(.ended(key: key)) }
  }

  // MARK: The thread that writes

  private func run() {
    while let (records, last) = nextRecords() {
      var isStored = store(records)
      while !isStored {
        // What is recorded is not given up: it is tried again until it is stored or the host stops.
        release(upTo: last, Self.notStored)
        guard waitBeforeRetry() else { break }
        isStored = store(records)
      }
      condition.withLock { stored = last }
      release(upTo: last, isStored ? nil : Self.notStored)
    }
    condition.withLock {
      hasStopped = true
      condition.broadcast()
    }
  }

  private static let notStored = SessionError(
    .storageUnavailable, "the change was made, but could not be stored; see the host's log")

  /// Waits for records, and in interval mode for more of them; nil when all is stored and the host
  /// stops.
  private func nextRecords() -> (records: [StorageQueue.Record], last: Int64)? {
    condition.withLock {
      while queue.records.isEmpty {
        if isStopping { return nil }
        condition.wait()
      }
      if case .interval(let milliseconds) = durability {
        let end = MonotonicClock.now + Int64(milliseconds) * 1_000_000
        while !isStopping && condition.wait(until: end) {}
      }
      isBehind.store(false, ordering: .relaxed)
      let (records, last) = queue.takeRecords()
      return (records, last)
    }
  }

  private func store(_ records: [StorageQueue.Record]) -> Bool {
    do {
      try database.withLock { database in
        try database.transaction { for record in records { try store(record, in: database) } }
      }
      if isFailing.exchange(false, ordering: .relaxed) {
        logger.notice("the state directory can be written again")
      }
      return true
    } catch {
      if !isFailing.exchange(true, ordering: .relaxed) {
        logger.error(
          "the state directory cannot be written: writes are refused until it can",
          metadata: ["error": "\(error)"])
      }
      return false
    }
  }

  private func store(_ record: StorageQueue.Record, in database: SessionDatabase) throws {
    switch record {
    case .began(let image, let key): try database.add(image, key: key)
    case .committed(let changes, let key):
      var lastOrdinal: Int32 = 0
      for change in changes {
        try database.apply(change, key: key)
        lastOrdinal = max(lastOrdinal, change.variable.definition.ordinal)
      }
      guard let revision = changes.last?.revision else { return }
      try database.setRevision(revision, lastOrdinal: lastOrdinal, key: key)
    case .dependency(let dependency, let key): try database.add(dependency, key: key)
    case .ended(let key): try database.removeSession(key)
    }
  }

  /// - Returns: false when the host stops: then nothing is tried again.
  private func waitBeforeRetry() -> Bool {
    condition.withLock {
      let end = MonotonicClock.now + 1_000_000_000
      while !isStopping && condition.wait(until: end) {}
      return !isStopping
    }
  }

  private func release(upTo number: Int64, _ error: SessionError?) {
    let waiters = condition.withLock { queue.takeWaiters(upTo: number) }
    for waiter in waiters { waiter.body(error) }
  }
}
