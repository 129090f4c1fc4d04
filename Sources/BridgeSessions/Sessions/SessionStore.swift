internal import Threads
internal import Synchronization

/// All sessions of a host.
///
/// Thread-safe. Sessions are spread over shards, so that looking one up rarely waits for another
/// thread.
public final class SessionStore: Sendable {
  /// What the store and its sessions hold at most.
  public let limits: SessionLimits
  private let shards: [Shard]
  private let count = Atomic<Int>(0)
  private let budget: ByteBudget
  private let shares: ClientShares
  private let journal: (any SessionJournal)?
  private let form: WireForm

  private final class Shard: Sendable {
    let sessions = Locked<[String: Session]>([:])
  }

  /// - Parameters:
  ///   - journal: Keeps what sessions commit; nil keeps nothing.
  ///   - form: How a variable is answered that nobody has written who said how he speaks.
  public init(
    limits: SessionLimits = SessionLimits(), journal: (any SessionJournal)? = nil,
    form: WireForm = []
  ) {
    self.limits = limits
    self.journal = journal
    self.form = form
    self.budget = ByteBudget(limit: limits.totalBytes)
    self.shares = ClientShares(total: limits.sessions)
    self.shards = (0..<16).map { _ in Shard() }
  }

  /// Creates a session.
  ///
  /// - Parameters:
  ///   - timeToLive: Seconds of idleness; 0 takes the store's default.
  ///   - client: Who asks, as a number: one client cannot take all sessions. Nil counts nowhere.
  /// - Throws: `SessionError`: `alreadyExists`, `invalidArgument`, `limitReached`.
  public func create(
    _ id: String, metadata: VariableMetadata = [:], timeToLive: Int = 0, client: UInt64? = nil
  ) throws -> Session {
    try checkID(id)
    return try shard(of: id).sessions.withLock { sessions in
      if sessions[id] != nil {
        throw SessionError(.alreadyExists, "Session already exists: \(id)")
      }
      return try insert(
        id, metadata: metadata, timeToLive: timeToLive, client: client, into: &sessions)
    }
  }

  /// Finds a session, or creates it with these properties; finding it counts as a use.
  ///
  /// - Parameter client: As in `create`.
  /// - Throws: `SessionError`: `invalidArgument`, `limitReached`.
  public func open(
    _ id: String, metadata: VariableMetadata = [:], timeToLive: Int = 0, client: UInt64? = nil
  ) throws -> (session: Session, isNew: Bool) {
    while true {
      if let session = try? session(id) { return (session, false) }
      do {
        return (
          try create(id, metadata: metadata, timeToLive: timeToLive, client: client), true
        )
      } catch let error as SessionError where error.code == .alreadyExists {
        continue
      }
    }
  }

  /// Makes a session from an image: stored before, or exported elsewhere.
  ///
  /// - Parameters:
  ///   - recorder: What hears of its changes already; nil tells the journal that it begins.
  ///   - searches: What checking its values may take.
  /// - Throws: `SessionError`: `alreadyExists`, `limitReached`, `invalidArgument` or `invalidValue`
  ///   for an image that contradicts itself; `SearchInterruption`.
  @discardableResult
  public func restore(
    _ image: SessionImage, recorder: (any SessionRecorder)? = nil,
    searches: SearchBudget = SearchBudget()
  ) throws -> Session {
    try checkID(image.id)
    try checkRoom()
    var searches = searches
    // Made before the lock is taken: that takes as long as the image is large.
    let session = try Session(
      image, limits: limits, budget: budget, journal: journal, searches: &searches)
    do {
      try shard(of: image.id).sessions.withLock { sessions in
        if sessions[image.id] != nil {
          throw SessionError(.alreadyExists, "Session already exists: \(image.id)")
        }
        try checkRoom()
        session.begin(recorder ?? journal?.begin(image), form: form)
        sessions[image.id] = session
        count.add(1, ordering: .relaxed)
      }
    } catch {
      session.close(.cleanup)
      throw error
    }
    return session
  }

  /// Calls `body` once everything committed so far is stored, or with what went wrong; at once when
  /// changes are acknowledged without being stored. Any thread.
  public func whenStored(_ body: @escaping @Sendable (SessionError?) -> Void) {
    guard let journal, journal.acknowledgesStored else { return body(nil) }
    journal.whenStored(body)
  }

  /// Whether changes are acknowledged only when they are stored.
  public var acknowledgesStored: Bool { journal?.acknowledgesStored ?? false }

  /// All sessions, in no order; looking at them is no use of them.
  public var sessions: [Session] {
    shards.flatMap { shard in shard.sessions.withLock { Array($0.values) } }
  }

  /// Finds a session; that counts as a use.
  ///
  /// - Parameter create: Make it when it is not there.
  /// - Throws: `SessionError`: `sessionNotFound`, and those of `create`.
  public func session(
    _ id: String, create: Bool = false, client: UInt64? = nil
  ) throws -> Session {
    // What no session is called is not hashed.
    guard NameRules.isHashable(id, length: limits.nameLength) else {
      if create { try checkID(id) }
      throw Session.notFound(id)
    }
    while true {
      let session = try shard(of: id).sessions.withLock { sessions -> Session in
        if let session = sessions[id] { return session }
        guard create else { throw Session.notFound(id) }
        try checkID(id)
        return try insert(id, metadata: [:], timeToLive: 0, client: client, into: &sessions)
      }
      guard session.isExpired else {
        session.touch()
        return session
      }
      // The sweep has not come by yet.
      remove(session, cause: .expired)
    }
  }

  /// Ends a session.
  ///
  /// - Returns: The variables and watches that were freed; nil when there was no such session.
  @discardableResult
  public func remove(_ id: String, cause: Session.End = .cleanup) -> Int? {
    guard NameRules.isHashable(id, length: limits.nameLength) else { return nil }
    guard let session = shard(of: id).sessions.withLock({ $0[id] }) else { return nil }
    return remove(session, cause: cause)
  }

  /// Ends this very session, not one that has taken its id since.
  @discardableResult
  private func remove(_ session: Session, cause: Session.End) -> Int? {
    let isHere = shard(of: session.id).sessions.withLock { sessions in
      guard sessions[session.id] === session else { return false }
      sessions[session.id] = nil
      return true
    }
    guard isHere else { return nil }
    count.subtract(1, ordering: .relaxed)
    return session.close(cause)
  }

  /// Ends the sessions that have been idle for their time to live, and optimizations whose lease is
  /// over. One shard at a time is looked through, so nobody waits for the whole but the caller:
  /// thousands of sessions can take a second.
  ///
  /// - Returns: How many ended.
  @discardableResult
  public func removeExpired() -> Int {
    var ended = 0
    for shard in shards {
      let sessions = shard.sessions.withLock { Array($0.values) }
      for session in sessions {
        if session.isExpired {
          remove(session, cause: .expired)
          ended += 1
        } else {
          session.endExpiredOptimizations()
        }
      }
    }
    return ended
  }

  /// Ends all sessions.
  public func removeAll(cause: Session.End) {
    for shard in shards {
      let ids = shard.sessions.withLock { Array($0.keys) }
      for id in ids { remove(id, cause: cause) }
    }
  }

  /// How many sessions there are. Any thread.
  public var sessionCount: Int { count.load(ordering: .relaxed) }

  private func insert(
    _ id: String, metadata: VariableMetadata, timeToLive: Int, client: UInt64?,
    into sessions: inout [String: Session]
  ) throws -> Session {
    guard timeToLive >= 0 else {
      throw SessionError(.invalidArgument, "time to live of \(timeToLive) s is negative")
    }
    if let client, !shares.take(client) {
      throw SessionError(
        .limitReached,
        "this client holds its share of \(shares.limit) of the \(limits.sessions) sessions",
        isTransient: true)
    }
    do {
      let session = try insert(
        SessionImage(
          id: id, epoch: Session.makeEpoch(), metadata: metadata, createdAt: Clock.wall,
          timeToLive: timeToLive == 0 ? limits.timeToLive : timeToLive, revision: 0, lastOrdinal: 0),
        into: &sessions)
      if let client { session.whenEnded { [shares] _ in shares.giveBack(client) } }
      return session
    } catch {
      if let client { shares.giveBack(client) }
      throw error
    }
  }

  private func checkRoom() throws {
    try journal?.checkAvailable()
    guard count.load(ordering: .relaxed) < limits.sessions else {
      throw SessionError(
        .limitReached, "the host holds its limit of \(limits.sessions) sessions", isTransient: true)
    }
  }

  private func insert(
    _ image: SessionImage, into sessions: inout [String: Session]
  ) throws -> Session {
    try checkRoom()
    // There is nothing to check in a session without variables.
    var searches = SearchBudget()
    let session = try Session(
      image, limits: limits, budget: budget, journal: journal, searches: &searches)
    session.begin(journal?.begin(image), form: form)
    sessions[image.id] = session
    count.add(1, ordering: .relaxed)
    return session
  }

  private func checkID(_ id: String) throws {
    try NameRules.check(id, "session id", length: limits.nameLength)
  }

  private func shard(of id: String) -> Shard {
    // FNV-1a: the dictionary hashes the id again, properly.
    var hash: UInt32 = 2_166_136_261
    var all: UInt8 = 0
    for byte in id.utf8 {
      all |= byte
      hash = (hash ^ UInt32(byte)) &* 16_777_619
    }
    // Two texts in different bytes may be one to the dictionary, and must be so here.
    if all >= 0x80 { hash = UInt32(truncatingIfNeeded: id.hashValue) }
    return shards[Int(hash >> 28)]
  }
}
