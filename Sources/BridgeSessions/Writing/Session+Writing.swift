extension Session {
  /// Creates a variable.
  ///
  /// - Returns: Its first version; the revision is the version's.
  /// - Throws: As `register(_:writer:)` and `Registration`.
  @discardableResult
  public func register(
    name: String, type: ValueType, constraints: String = "", accessControl: String = "",
    payload: Payload, metadata: VariableMetadata = [:], writer: Writer
  ) throws -> Variable {
    var searches = SearchBudget()
    return try register(
      Registration(
        name: name, type: type, constraints: constraints, accessControl: accessControl,
        payload: payload, metadata: metadata, limits: limits, searches: &searches),
      writer: writer
    ).variable
  }

  /// What registering a name that is taken does.
  public enum IfTaken: Sendable {
    /// It is refused.
    case fail
    /// The variable that is there is the answer.
    case keep
    /// The variable that is there is deleted; the new one has another id.
    case replace
  }

  /// Creates a variable.
  ///
  /// - Returns: Its first version, whose revision is that of the change; or the variable that was
  ///   there.
  /// - Throws: `SessionError`: `alreadyExists`, `sessionNotFound`, `limitReached`; those of `delete`
  ///   for a variable that is to be replaced.
  public func register(
    _ registration: Registration, ifTaken: IfTaken = .fail, writer: Writer
  ) throws -> (variable: Variable, isNew: Bool) {
    try journal?.checkAvailable()
    let name = registration.name
    let now = Clock.wall
    let (variable, isNew, woken) = try state.withLock { state -> (Variable, Bool, [Watch]) in
      try checkOpen(state)
      let existing = state.variables[name]
      if let existing {
        switch ifTaken {
        case .fail: throw alreadyExists(existing)
        case .keep: return (existing, false, [])
        case .replace:
          try existing.definition.access?.check(writer, changes: name)
          try checkLock(of: existing, writer)
        }
      } else if state.variables.count >= limits.variablesPerSession {
        throw tooManyVariables
      }
      let definition = Variable.Definition(
        name: name, type: registration.type, ordinal: try state.nextOrdinal(for: name),
        rules: registration.rules, metadata: registration.metadata)
      try state.reserve(
        Variable.size(registration.payload, writer.metadata) + definition.size)
      var woken: [Watch] = []
      if let existing { state.remove(existing, time: now, &woken) }
      let variable = state.register(
        definition, registration.payload, Mutation.Origin(writer: writer, time: now), &woken)
      return (variable, true, woken)
    }
    for watch in woken { watch.wake() }
    return (variable, isNew)
  }

  /// Writes a variable.
  ///
  /// - Parameter expectedVersion: Write only if the variable still has this version; 0 does not
  ///   check.
  /// - Returns: The new version; the revision is the version's.
  /// - Throws: `SessionError`: `variableNotFound`, `invalidValue`, `versionMismatch`,
  ///   `permissionDenied`, `failedPrecondition` (an optimizer holds it), `limitReached`;
  ///   `SearchInterruption`.
  @discardableResult
  public func set(
    _ identifier: String, expectedVersion: Int32 = 0, writer: Writer,
    searches: inout SearchBudget, payload: (Variable.Definition) throws -> Payload
  ) throws -> Variable {
    try change(identifier, expectedVersion: expectedVersion, writer: writer) { current in
      let payload = try payload(current.definition)
        .admitted(by: current.definition.constraints, &searches)
      return (payload, nil)
    }
  }

  /// Writes a variable, on a thread that nobody else waits for.
  ///
  /// - Throws: As the other `set`, without `SearchInterruption`.
  @discardableResult
  public func set(
    _ identifier: String, expectedVersion: Int32 = 0, writer: Writer,
    payload: (Variable.Definition) throws -> Payload
  ) throws -> Variable {
    var searches = SearchBudget()
    return try set(
      identifier, expectedVersion: expectedVersion, writer: writer, searches: &searches,
      payload: payload)
  }

  /// Gives a variable other constraints and perhaps, in the same change, another value.
  ///
  /// - Parameters:
  ///   - constraints: A JSON object; empty for none.
  ///   - payload: nil keeps the value, which must satisfy the constraints.
  /// - Returns: The new version; the revision is the version's.
  /// - Throws: As `set`.
  @discardableResult
  public func setConstraints(
    _ constraints: String, of identifier: String, expectedVersion: Int32 = 0, writer: Writer,
    searches: inout SearchBudget, payload: ((Variable.Definition) throws -> Payload)? = nil
  ) throws -> Variable {
    try change(identifier, expectedVersion: expectedVersion, writer: writer) { current in
      let definition = try current.definition.with(constraints: constraints)
      let payload = try (payload?(definition) ?? current.payload)
        .admitted(by: definition.constraints, &searches)
      return (payload, definition)
    }
  }

  /// What a change of one variable makes of it; without a definition the present one stays.
  typealias Outcome = (Payload, Variable.Definition?)

  /// Makes the next version of one variable.
  ///
  /// - Parameter outcome: Works from the present version, outside the lock; it is asked again when
  ///   what it depended on was replaced meanwhile.
  func change(
    _ identifier: String, expectedVersion: Int32, writer: Writer,
    _ outcome: (Variable) throws -> Outcome
  ) throws -> Variable {
    try journal?.checkAvailable()
    while true {
      let seen = try get(identifier).variable
      try seen.definition.access?.check(writer, changes: seen.name)
      try check(expectedVersion, of: seen)
      let (payload, definition) = try outcome(seen)
      let now = Clock.wall
      let result = try state.withLock { state -> (Variable, [Watch])? in
        try checkOpen(state)
        // Deleted or replaced meanwhile: the value was checked for another variable or against other
        // constraints, or kept from an older version.
        guard let place = state.variables.place(of: seen.name) else { return nil }
        let current = state.variables[place]
        guard current.definition === seen.definition else { return nil }
        if definition != nil && current !== seen { return nil }
        try check(expectedVersion, of: current)
        try checkLock(of: current, writer)
        let write = try state.decideWrite(payload, definition, of: current, writer)
        try state.reserve(write.growth)
        var woken: [Watch] = []
        state.endLeaseIfOver(of: current, time: now, &woken)
        let variable = state.apply(
          write, at: place, Mutation.Origin(writer: writer, time: now), &woken)
        return (variable, woken)
      }
      guard let (variable, woken) = result else { continue }
      for watch in woken { watch.wake() }
      return variable
    }
  }

  /// Removes a variable.
  ///
  /// - Returns: The revision of the deletion.
  /// - Throws: `SessionError`: `variableNotFound`, `permissionDenied`, `failedPrecondition`.
  public func delete(_ identifier: String, writer: Writer) throws -> Int64 {
    try journal?.checkAvailable()
    let now = Clock.wall
    let (revision, woken) = try state.withLock { state -> (Int64, [Watch]) in
      try checkOpen(state)
      guard let variable = state.find(identifier) else { throw variableNotFound(identifier) }
      try variable.definition.access?.check(writer, changes: variable.name)
      try checkLock(of: variable, writer)
      var woken: [Watch] = []
      state.remove(variable, time: now, &woken)
      return (state.revision, woken)
    }
    for watch in woken { watch.wake() }
    return revision
  }

  // MARK: Checks

  func alreadyExists(_ variable: Variable) -> SessionError {
    SessionError(
      .alreadyExists,
      "Variable already exists: \(variable.name) (id \(variable.id), version \(variable.version))")
  }

  var tooManyVariables: SessionError {
    SessionError(
      .limitReached, "session \(id) holds its limit of \(limits.variablesPerSession) variables")
  }

  func check(_ expected: Int32, of variable: Variable) throws(SessionError) {
    if expected == 0 || expected == variable.version { return }
    throw SessionError(
      .versionMismatch,
      "Version mismatch for \(variable.name): expected \(expected), current version is "
        + "\(variable.version)",
      details: ["variable": variable.name, "current_version": String(variable.version)])
  }

  /// - Throws: `SessionError` with code `failedPrecondition` when an optimizer other than the writer
  ///   holds the variable.
  func checkLock(of variable: Variable, _ writer: Writer) throws(SessionError) {
    guard variable.hasStatus, let optimization = variable.status.optimization,
      !optimization.isOver(Clock.coarseMilliseconds), !optimization.isHeld(by: writer)
    else { return }
    throw SessionError(
      .failedPrecondition,
      "\(variable.name) is locked by optimizer \(optimization.optimizer) (optimization "
        + "\(optimization.id)); it can be changed with that optimizer_id, or after "
        + "StopOptimization",
      details: [
        "variable": variable.name, "optimizer_id": optimization.optimizer,
        "optimization_id": optimization.id,
      ])
  }

}
