/// One write of a batch.
public struct Update: Sendable {
  /// The id or name of the variable.
  public var identifier: String
  /// 0 writes without a check.
  public var expectedVersion: Int32
  /// Makes the value, knowing the variable it is for; called outside the session's lock.
  public var payload: @Sendable (Variable.Definition) throws -> Payload
  /// Whether nothing is written, and the variable only held to `expectedVersion`. In atomic batches.
  public var isCheckOnly = false
  /// Who makes this write; nil stands for the batch's writer.
  public var writer: Writer?

  /// A write of one variable.
  public init(
    _ identifier: String, expectedVersion: Int32 = 0,
    payload: @escaping @Sendable (Variable.Definition) throws -> Payload
  ) {
    self.identifier = identifier
    self.expectedVersion = expectedVersion
    self.payload = payload
  }
}

extension Session {
  /// The new version that an update made, or why there is none.
  public typealias UpdateResult = Result<Variable, SessionError>

  /// What a batch did, in the order of its updates.
  public struct BatchResult: Sendable {
    /// One for each update.
    public var results: [UpdateResult]
    /// The session's revision after the batch.
    public var revision: Int64
    /// Whether every update was applied.
    public var isComplete: Bool { results.allSatisfy { (try? $0.get()) != nil } }
  }

  /// Writes several variables.
  ///
  /// - Parameters:
  ///   - atomic: All or none, at one revision. Otherwise what is valid is written, each at a revision of
  ///     its own.
  ///   - done: What became of the first updates of a batch that is not atomic. After a
  ///     `SearchInterruption` the same batch goes on from there.
  /// - Returns: For an atomic batch that fails, an error for each update that was refused; those
  ///   that would have been applied have the error `batchRefused`.
  /// - Throws: `SessionError`: `sessionNotFound`, `invalidArgument`, and for an atomic batch
  ///   `limitReached`; `SearchInterruption`.
  public func set(
    _ updates: [Update], atomic: Bool, writer: Writer, done: inout [UpdateResult],
    searches: inout SearchBudget
  ) throws -> BatchResult {
    try journal?.checkAvailable()
    try checkIdentifiers(updates.map(\.identifier))
    guard atomic else {
      for update in updates[done.count...] {
        do {
          done.append(
            .success(
              try set(
                update.identifier, expectedVersion: update.expectedVersion,
                writer: update.writer ?? writer, searches: &searches, payload: update.payload)))
        } catch let error as SessionError where error.code != .sessionNotFound {
          done.append(.failure(error))
        }
      }
      return BatchResult(results: done, revision: try checkedRevision())
    }
    while true {
      let prepared = try prepare(updates, writer, &searches)
      if let result = try commit(prepared, updates, writer) { return result }
    }
  }

  /// Writes several variables, on a thread that nobody else waits for.
  ///
  /// - Throws: As the other `set`, without `SearchInterruption`.
  public func set(_ updates: [Update], atomic: Bool, writer: Writer) throws -> BatchResult {
    var done: [UpdateResult] = []
    var searches = SearchBudget()
    return try set(updates, atomic: atomic, writer: writer, done: &done, searches: &searches)
  }

  /// The variable that an update addressed when the batch was prepared, and its value for it.
  private struct Prepared {
    let definition: Variable.Definition?
    /// Nil where nothing is written.
    let payload: Result<Payload?, SessionError>
  }

  /// Makes and checks all values of a batch, outside the lock.
  private func prepare(
    _ updates: [Update], _ writer: Writer, _ searches: inout SearchBudget
  ) throws -> [Prepared] {
    let found = try state.withLock { state in
      try checkOpen(state)
      return updates.map { state.find($0.identifier) }
    }
    var seen: Set<ObjectIdentifier> = []
    return try zip(updates, found).map { update, variable throws -> Prepared in
      let definition = variable?.definition
      do {
        guard let definition else { throw variableNotFound(update.identifier) }
        guard seen.insert(ObjectIdentifier(definition)).inserted else {
          throw SessionError(
            .invalidArgument,
            "\(update.identifier) addresses \(definition.name), which the batch writes twice")
        }
        if update.isCheckOnly { return Prepared(definition: definition, payload: .success(nil)) }
        try definition.access?.check(update.writer ?? writer, changes: definition.name)
        let payload = try update.payload(definition)
          .admitted(by: definition.constraints, &searches)
        return Prepared(definition: definition, payload: .success(payload))
      } catch let error as SessionError {
        return Prepared(definition: definition, payload: .failure(error))
      }
    }
  }

  /// Applies a prepared batch; nil when a variable was replaced since it was prepared.
  private func commit(
    _ prepared: [Prepared], _ updates: [Update], _ writer: Writer
  ) throws -> BatchResult? {
    let now = Clock.wall
    let outcome = try state.withLock { state -> (BatchResult, [Watch])? in
      try checkOpen(state)
      var writes: [Mutation.Step] = []
      /// The variables as they are: the results of checks.
      var present: [Variable] = []
      var growth = 0
      var lastVersion: SessionError?
      var errors: [SessionError?] = []
      for (update, item) in zip(updates, prepared) {
        // Also what was refused must still be so: the answer is of one moment and its revision.
        let found = state.find(update.identifier)
        guard found?.definition === item.definition else { return nil }
        do throws(SessionError) {
          let payload = try item.payload.get()
          // Without a variable there is no payload.
          let current = found!
          try check(update.expectedVersion, of: current)
          present.append(current)
          guard let payload else {
            errors.append(nil)
            continue
          }
          let writer = update.writer ?? writer
          try checkLock(of: current, writer)
          do throws(SessionError) {
            let write = try state.decideWrite(payload, of: current, writer)
            growth += write.growth
            writes.append(.write(write, Mutation.Origin(writer: writer, time: now)))
          } catch {
            lastVersion = error
          }
          errors.append(nil)
        } catch {
          errors.append(error)
        }
      }
      if errors.contains(where: { $0 != nil }) {
        let results = errors.map { error -> UpdateResult in
          .failure(error ?? Self.batchRefused)
        }
        return (BatchResult(results: results, revision: state.revision), [])
      }
      if let lastVersion { throw lastVersion }
      guard !writes.isEmpty else {
        return (
          BatchResult(results: present.map { .success($0) }, revision: state.revision), []
        )
      }
      try state.reserve(growth)
      var woken: [Watch] = []
      if !state.optimized.isEmpty {
        for case .write(let write, _) in writes {
          state.endLeaseIfOver(of: state.variables[write.name]!, time: now, &woken)
        }
      }
      let variables = state.apply(writes, &woken)
      var results: [UpdateResult] = []
      var next = 0
      for (update, variable) in zip(updates, present) {
        results.append(.success(update.isCheckOnly ? variable : variables[next]))
        if !update.isCheckOnly { next += 1 }
      }
      return (BatchResult(results: results, revision: state.revision), woken)
    }
    guard let (result, woken) = outcome else { return nil }
    for watch in woken { watch.wake() }
    return result
  }

  /// The error of the updates of an atomic batch that were fine themselves.
  public static let batchRefused = SessionError(
    .invalidArgument, "not applied: the batch is atomic and another update was refused")

  private func checkedRevision() throws -> Int64 {
    try state.withLock { state in
      try checkOpen(state)
      return state.revision
    }
  }
}
