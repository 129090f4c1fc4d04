internal import Threads
internal import Synchronization

/// One session: its variables, their changes, and who watches them.
///
/// Thread-safe. All state is behind one lock that is held for microseconds: values are parsed and
/// checked before it is taken, watches are woken after it is released, and nothing is encoded
/// under it.
public final class Session: Sendable {
  /// What clients call the session; unique in its store.
  public let id: String
  /// The random id of this session's life; revisions compare only within one epoch.
  public let epoch: String
  /// What its first client noted with the session.
  public let metadata: VariableMetadata
  /// Nanoseconds since 1970.
  public let createdAt: Int64
  /// Seconds of idleness after which the session ends.
  public let timeToLive: Int

  let limits: SessionLimits
  let journal: (any SessionJournal)?
  let state: Locked<State>
  /// Coarse monotonic milliseconds of the last use.
  private let lastUse: Atomic<Int64>
  private let users = Atomic<Int>(0)

  /// Why a session is over.
  public enum End: String, Sendable {
    case cleanup, expired, shutdown
  }

  /// - Parameter image: Empty, or of the session that is to be made anew.
  /// - Throws: `SessionError` for an image that contradicts itself or the limits.
  init(
    _ image: SessionImage, limits: SessionLimits, budget: ByteBudget,
    journal: (any SessionJournal)?, searches: inout SearchBudget
  ) throws {
    self.id = image.id
    self.epoch = image.epoch
    self.metadata = image.metadata
    self.createdAt = image.createdAt
    self.timeToLive = image.timeToLive
    self.limits = limits
    self.journal = journal
    var state = State(
      limits: limits, budget: budget, revision: image.revision, lastOrdinal: image.lastOrdinal)
    do {
      try state.restore(image, limits, &searches)
    } catch {
      state.takeContents().release()
      throw error
    }
    self.state = Locked(state)
    self.lastUse = Atomic(Clock.coarseMilliseconds)
  }

  /// Names what hears of the changes from now on, before the session is used.
  ///
  /// - Parameter form: Of values, until a client has written that names one.
  func begin(_ recorder: (any SessionRecorder)?, form: WireForm) {
    state.withLock {
      if let recorder { $0.recorder = recorder }
      $0.usualForm = form
    }
  }

  /// A new epoch. At most 13 characters: Swift keeps those in place, and every answer carries it.
  public static func makeEpoch() -> String {
    String(UInt64.random(in: .min ... .max), radix: 36)
  }

  // MARK: Life

  /// Counts as a use: the session's idle time starts anew.
  public func touch() {
    lastUse.store(Clock.coarseMilliseconds, ordering: .relaxed)
  }

  /// Milliseconds since the last use.
  public var idleMilliseconds: Int64 {
    max(0, Clock.coarseMilliseconds - lastUse.load(ordering: .relaxed))
  }

  /// Nanoseconds since 1970.
  public var lastUsedAt: Int64 { Clock.wall - idleMilliseconds * 1_000_000 }

  /// Counts a user that may stay long, a tool's call: the session does not expire under it.
  public func beginUse() {
    users.add(1, ordering: .relaxed)
  }

  /// The counterpart of `beginUse`.
  public func endUse() {
    touch()
    users.subtract(1, ordering: .relaxed)
  }

  /// Whether nothing has used the session, and nothing watches it, for its time to live.
  var isExpired: Bool {
    guard idleMilliseconds > Int64(timeToLive) * 1000 else { return false }
    return users.load(ordering: .relaxed) == 0 && state.withLock { $0.watchCount == 0 }
  }

  /// The number of the last committed change. Any thread.
  public var revision: Int64 { state.withLock(\.revision) }

  /// What the session holds at one moment.
  public var statistics: Statistics {
    state.withLock { state in
      Statistics(
        variables: state.variables.count, watches: state.watchCount, revision: state.revision,
        valueBytes: state.valueBytes, historyBytes: state.historyBytes,
        logBytes: state.log.byteCount)
    }
  }

  /// How much a session holds; bytes are approximate.
  public struct Statistics: Sendable {
    /// How many variables there are.
    public let variables: Int
    /// How many watches are open.
    public let watches: Int
    /// The number of the last committed change.
    public let revision: Int64
    /// Bytes of the present values, and of what else counts against the limit.
    public let valueBytes: Int
    /// Bytes of the past versions.
    public let historyBytes: Int
    /// Bytes of the change log.
    public let logBytes: Int
  }

  /// Ends the session: watches hear of it, every later operation answers `sessionNotFound`.
  ///
  /// - Returns: Variables and watches that were freed.
  @discardableResult
  func close(_ cause: End) -> Int {
    let ended = state.withLock { state -> (Int, [Watch], [EndHandler], SessionContents)? in
      guard state.end == nil else { return nil }
      let freed = state.variables.count + state.watchCount
      let handlers = state.endHandlers
      state.endHandlers = []
      var woken: [Watch] = []
      let contents = state.close(cause, &woken)
      return (freed, woken, handlers, contents)
    }
    guard let (freed, woken, handlers, contents) = ended else { return 0 }
    for watch in woken { watch.wake() }
    for handler in handlers { handler(cause) }
    contents.release()
    return freed
  }

  /// What is called when a session ends.
  public typealias EndHandler = @Sendable (End) -> Void

  /// Calls `handler` once, when the session ends; at once if it has ended already.
  ///
  /// The handler runs outside all locks, on the thread that ends the session or, if it has ended, on
  /// the calling thread. It must be quick and must not block: the thread may be an event loop's.
  /// Handlers run in the order they were added. The session keeps a handler until it ends.
  public func whenEnded(_ handler: @escaping EndHandler) {
    let end = state.withLock { state -> End? in
      if state.end == nil { state.endHandlers.append(handler) }
      return state.end
    }
    if let end { handler(end) }
  }

  // MARK: Reading

  /// Finds a variable by id or name.
  public func get(_ identifier: String) throws -> (variable: Variable, revision: Int64) {
    let found = try state.withLock { state -> (Variable, Int64)? in
      try checkOpen(state)
      return state.find(identifier).map { ($0, state.revision) }
    }
    guard let found else { throw variableNotFound(identifier) }
    return found
  }

  /// Finds several variables at one revision; nil stands for one that is not there.
  public func get(_ identifiers: [String]) throws -> (variables: [Variable?], revision: Int64) {
    try checkIdentifiers(identifiers)
    return try state.withLock { state in
      try checkOpen(state)
      return (identifiers.map { state.find($0) }, state.revision)
    }
  }

  /// Lists variables, oldest first.
  ///
  /// - Parameter pattern: `*` stands for any run of characters; empty stands for all.
  public func list(_ pattern: String = "") throws -> (variables: [Variable], revision: Int64) {
    var (variables, revision) = try state.withLock { state in
      try checkOpen(state)
      return (state.variables.all, state.revision)
    }
    if !pattern.isEmpty {
      try checkIdentifiers([pattern])
      let wildcard = Wildcard(pattern)
      variables.removeAll { !wildcard.matches($0.name) }
    }
    variables.sort { $0.definition.ordinal < $1.definition.ordinal }
    return (variables, revision)
  }

  /// Requests run on an event loop: what they may ask for at once is bounded.
  ///
  /// - Throws: `SessionError` with code `invalidArgument`.
  func checkIdentifiers(_ identifiers: [String]) throws {
    guard identifiers.count <= limits.identifiersPerRequest else {
      throw SessionError(
        .invalidArgument,
        "\(identifiers.count) identifiers in one request; at most "
          + "\(limits.identifiersPerRequest) are taken")
    }
    let patterns = identifiers.count(where: Wildcard.isPattern)
    guard patterns <= limits.patternsPerRequest else {
      throw SessionError(
        .invalidArgument,
        "\(patterns) patterns in one request; at most \(limits.patternsPerRequest) are taken")
    }
    for identifier in identifiers where !isHashable(identifier) {
      throw SessionError(
        .invalidArgument,
        "an identifier or pattern of \(identifier.utf8.count) bytes; at most "
          + "\(limits.nameLength + 32) are taken, and \(NameRules.markLimit) combining marks one after "
          + "the other")
    }
  }

  /// Whether a text can be a name, an id or a pattern: others are not looked up.
  func isHashable(_ identifier: String) -> Bool {
    NameRules.isHashable(identifier, length: limits.nameLength + 32)
  }

  func checkOpen(_ state: borrowing State) throws {
    if state.end != nil { throw Self.notFound(id) }
  }

  static func notFound(_ id: String) -> SessionError {
    SessionError(.sessionNotFound, "Session not found: \(id)")
  }

  func variableNotFound(_ identifier: String) -> SessionError {
    SessionError(
      .variableNotFound, "Variable not found: \(identifier) (session \(id))",
      details: ["variable": identifier])
  }
}
