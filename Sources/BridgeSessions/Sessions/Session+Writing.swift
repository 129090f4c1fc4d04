/// Who writes, and what is noted with the write.
public struct Writer: Sendable {
  public var source: Variable.Source
  public var metadata: [String: String]

  public init(_ source: Variable.Source, metadata: [String: String] = [:]) {
    self.source = source
    self.metadata = metadata
  }
}

/// One write of a batch.
public struct Update: Sendable {
  public var identifier: String
  /// 0 writes without a check.
  public var expectedVersion: Int32
  /// Makes the value, knowing the variable it is for; called outside the session's lock.
  public var payload: @Sendable (Variable.Definition) throws -> Payload

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
  /// Creates a variable.
  ///
  /// - Parameters:
  ///   - constraints: A JSON object; empty for none.
  /// - Returns: Its first version; the revision is the version's.
  /// - Throws: `SessionError`: `alreadyExists`, `invalidValue`, `invalidArgument`, `limitReached`.
  @discardableResult
  public func register(
    name: String, type: ValueType, constraints: String = "", payload: Payload,
    metadata: [String: String] = [:], writer: Writer
  ) throws -> Variable {
    try checkName(name)
    let parsed = constraints.isEmpty ? nil : try Constraints(json: constraints, for: type)
    try parsed?.check(payload.value)
    let now = Clock.wall
    let (variable, woken) = try state.withLock { state -> (Variable, [Watch]) in
      try checkOpen(state)
      if let existing = state.variables[name] {
        throw SessionError(
          .alreadyExists,
          "Variable already exists: \(name) (id \(existing.id), version \(existing.version))")
      }
      if state.variables.count >= limits.variablesPerSession {
        throw SessionError(
          .limitReached, "session \(id) holds its limit of \(limits.variablesPerSession) variables")
      }
      state.revision += 1
      state.lastOrdinal &+= 1
      let definition = Variable.Definition(
        name: name, type: type, ordinal: state.lastOrdinal, constraintsJSON: constraints,
        constraints: parsed, metadata: metadata)
      let variable = Variable(
        definition: definition, payload: payload, writeMetadata: writer.metadata,
        source: writer.source, version: 1, revision: state.revision, updatedAt: now)
      state.variables[name] = variable
      let woken = state.commit(.registered, variable, previous: nil, isLast: true)
      return (variable, woken)
    }
    for watch in woken { watch.wake() }
    return variable
  }

  /// Writes a variable.
  ///
  /// - Parameter expectedVersion: Write only if the variable still has this version; 0 does not
  ///   check.
  /// - Returns: The new version; the revision is the version's.
  /// - Throws: `SessionError`: `variableNotFound`, `invalidValue`, `versionMismatch`.
  @discardableResult
  public func set(
    _ identifier: String, expectedVersion: Int32 = 0, writer: Writer,
    payload: (Variable.Definition) throws -> Payload
  ) throws -> Variable {
    while true {
      let definition = try get(identifier).variable.definition
      if SeededBug.lostUpdate.isActive { try checkEarly(expectedVersion, identifier) }
      let payload = try payload(definition)
      try definition.constraints?.check(payload.value)
      let now = Clock.wall
      let result = try state.withLock { state -> (Variable, [Watch])? in
        try checkOpen(state)
        // Deleted or replaced meanwhile: the value was checked for another variable.
        guard let index = state.variables.index(forKey: definition.name),
          state.variables.values[index].definition === definition
        else { return nil }
        let current = state.variables.values[index]
        try check(SeededBug.lostUpdate.isActive ? 0 : expectedVersion, of: current)
        state.revision += 1
        return state.write(payload, at: index, writer: writer, now: now, isLast: true)
      }
      guard let (variable, woken) = result else { continue }
      for watch in woken { watch.wake() }
      return variable
    }
  }

  /// What a batch did, in the order of its updates.
  public struct BatchResult: Sendable {
    public var results: [Result<Variable, SessionError>]
    /// The session's revision after the batch.
    public var revision: Int64
    public var isComplete: Bool { results.allSatisfy { (try? $0.get()) != nil } }
  }

  /// Writes several variables.
  ///
  /// - Parameter atomic: All or none, at one revision. Otherwise what is valid is written, each at
  ///   a revision of its own.
  /// - Returns: For an atomic batch that fails, an error for each update that was refused; those
  ///   that would have been applied have the error `aborted` in their message.
  public func set(_ updates: [Update], atomic: Bool, writer: Writer) throws -> BatchResult {
    try checkIdentifiers(updates.map(\.identifier))
    guard atomic else {
      let results = try updates.map { update throws -> Result<Variable, SessionError> in
        do {
          return .success(
            try set(
              update.identifier, expectedVersion: update.expectedVersion, writer: writer,
              payload: update.payload))
        } catch let error as SessionError where error.code != .sessionNotFound {
          return .failure(error)
        }
      }
      return BatchResult(results: results, revision: try checkedRevision())
    }
    while let prepared = try prepare(updates) {
      if let result = try commit(prepared, updates, writer: writer) { return result }
    }
    fatalError("prepare always answers")
  }

  /// The variable that an update addressed when the batch was prepared, and its value for it.
  private struct Prepared {
    let definition: Variable.Definition?
    let payload: Result<Payload, SessionError>
  }

  /// Makes and checks all values of a batch, outside the lock.
  private func prepare(_ updates: [Update]) throws -> [Prepared]? {
    let found = try get(updates.map(\.identifier)).variables
    var seen: Set<String> = []
    return try zip(updates, found).map { update, variable throws -> Prepared in
      let definition = variable?.definition
      do {
        guard let definition else { throw variableNotFound(update.identifier) }
        guard seen.insert(definition.name).inserted else {
          throw SessionError(
            .invalidArgument,
            "\(update.identifier) addresses \(definition.name), which the batch writes twice")
        }
        let payload = try update.payload(definition)
        try definition.constraints?.check(payload.value)
        return Prepared(definition: definition, payload: .success(payload))
      } catch let error as SessionError {
        return Prepared(definition: definition, payload: .failure(error))
      }
    }
  }

  /// Applies a prepared batch; nil when a variable was replaced since it was prepared.
  private func commit(
    _ prepared: [Prepared], _ updates: [Update], writer: Writer
  ) throws -> BatchResult? {
    let now = Clock.wall
    let outcome = try state.withLock { state -> (BatchResult, [Watch])? in
      try checkOpen(state)
      var indices: [Dictionary<String, Variable>.Index?] = []
      var errors: [SessionError?] = []
      for (update, item) in zip(updates, prepared) {
        // Also what was refused must still be so: the answer is of one moment and its revision.
        guard state.find(update.identifier)?.definition === item.definition else { return nil }
        switch item.payload {
        case .failure(let error):
          errors.append(error)
          indices.append(nil)
        case .success:
          let index = state.variables.index(forKey: item.definition!.name)!
          do throws(SessionError) {
            try check(update.expectedVersion, of: state.variables.values[index])
            errors.append(nil)
          } catch {
            errors.append(error)
          }
          indices.append(index)
        }
      }
      if errors.contains(where: { $0 != nil }) {
        let results = errors.map { error -> Result<Variable, SessionError> in
          .failure(error ?? Self.batchRefused)
        }
        return (BatchResult(results: results, revision: state.revision), [])
      }
      guard !prepared.isEmpty else {
        return (BatchResult(results: [], revision: state.revision), [])
      }
      state.revision += 1
      var results: [Result<Variable, SessionError>] = []
      var woken: [Watch] = []
      for (index, item) in prepared.enumerated() {
        let payload = try item.payload.get()
        if SeededBug.splitBatch.isActive && index > 0 { state.revision += 1 }
        let (variable, more) = state.write(
          payload, at: indices[index]!, writer: writer, now: now,
          isLast: index == prepared.count - 1)
        results.append(.success(variable))
        woken += more
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

  /// Removes a variable.
  ///
  /// - Returns: The revision of the deletion.
  public func delete(_ identifier: String) throws -> Int64 {
    let (revision, woken) = try state.withLock { state -> (Int64, [Watch]) in
      try checkOpen(state)
      guard let variable = state.find(identifier) else { throw variableNotFound(identifier) }
      state.variables[variable.name] = nil
      state.revision += 1
      return (state.revision, state.commit(.deleted, variable, previous: nil, isLast: true))
    }
    for watch in woken { watch.wake() }
    return revision
  }

  private func checkedRevision() throws -> Int64 {
    try state.withLock { state in
      try checkOpen(state)
      return state.revision
    }
  }

  private func check(_ expected: Int32, of variable: Variable) throws(SessionError) {
    if expected == 0 || expected == variable.version { return }
    throw SessionError(
      .versionMismatch,
      "Version mismatch for \(variable.name): expected \(expected), current version is "
        + "\(variable.version)",
      details: ["variable": variable.name, "current_version": String(variable.version)])
  }

  private func checkEarly(_ expected: Int32, _ identifier: String) throws {
    try check(expected, of: SeededBug.late(get(identifier).variable))
  }

  private func checkName(_ name: String) throws {
    let length = name.utf8.count
    guard length > 0, length <= limits.nameLength else {
      throw SessionError(
        .invalidArgument,
        "variable name has \(length) bytes, it must have 1 to \(limits.nameLength)")
    }
    for byte in name.utf8 where byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "*") {
      throw SessionError(
        .invalidArgument, "variable name \"\(name)\" has a control character or \"*\" in it")
    }
  }
}

extension Session.State {
  /// Makes the next version of a variable at the present revision.
  fileprivate mutating func write(
    _ payload: Payload, at index: Dictionary<String, Variable>.Index, writer: Writer, now: Int64,
    isLast: Bool
  ) -> (Variable, [Watch]) {
    let current = variables.values[index]
    let variable = Variable(
      definition: current.definition, payload: payload, writeMetadata: writer.metadata,
      source: writer.source, version: current.version &+ 1, revision: revision, updatedAt: now)
    variables.values[index] = variable
    return (variable, commit(.valueChanged, variable, previous: current, isLast: isLast))
  }

  /// Logs a change of the present revision.
  ///
  /// - Returns: The watches that must be woken once the lock is released.
  fileprivate mutating func commit(
    _ kind: Change.Kind, _ variable: Variable, previous: Variable?, isLast: Bool
  ) -> [Watch] {
    let position = log.end
    log.append(
      Change(
        kind: kind, revision: revision,
        timestamp: kind == .deleted ? Clock.wall : variable.updatedAt, variable: variable,
        previous: previous, isLastInRevision: isLast))
    guard watchCount > 0 else { return [] }
    if SeededBug.missedWake.isActive && revision % 5 == 0 { return [] }
    var woken: [Watch] = []
    if let watches = watchesByName[variable.name] {
      for watch in watches where !watch.isPending && watch.reports(variable.definition) {
        watch.isPending = true
        watch.position = position
        woken.append(watch)
      }
    }
    for watch in broadWatches
    where !watch.isPending && watch.reports(variable.definition) {
      watch.isPending = true
      watch.position = position
      woken.append(watch)
    }
    return woken
  }
}
