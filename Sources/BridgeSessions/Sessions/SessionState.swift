internal import DequeModule

extension Session {
  /// All that changes of a session; guarded by its lock.
  struct State {
    private(set) var revision: Int64
    private(set) var variables: [String: Variable] = [:]
    var lastOrdinal: Int32
    private(set) var log: ChangeLog
    var end: End?
    /// Called once the session has ended and its lock is released.
    var endHandlers: [EndHandler] = []

    var audiences: [Interest.Key: Audience] = [:]
    /// Those that name a variable, by that name, whether it exists or not.
    var audiencesByName: [String: [Audience]] = [:]
    /// Those with patterns, or of everything.
    var broadAudiences: [Audience] = []
    var watchCount = 0
    /// Watches that merge what they fall behind with.
    var conflatingWatches: [Watch] = []

    /// The past versions of variables that have been written, by ordinal.
    private var histories: [Int32: VariableHistory] = [:]
    private(set) var historyBytes = 0
    private let historyVersionLimit: Int
    private let historyByteLimit: Int

    var dependencies = DependencyGraph()
    /// The names of variables that an optimizer has locked.
    var optimized: Set<String> = []
    /// How the first client to write here speaks.
    private var form: WireForm?
    /// A variable may be named as another's id would be.
    private var hasNamesLikeIDs = false

    private var account: ByteAccount
    /// Set once the state is filled.
    var recorder: (any SessionRecorder)?
    /// The changes of the present revision so far, where there is a recorder.
    private var uncommitted: [Change] = []
    var valueBytes: Int { account.bytes }

    init(
      limits: SessionLimits, budget: ByteBudget, revision: Int64, lastOrdinal: Int32
    ) {
      self.revision = revision
      self.lastOrdinal = lastOrdinal
      log = ChangeLog(limits: limits, after: revision)
      account = ByteAccount(limit: limits.sessionBytes, budget: budget)
      historyVersionLimit = limits.historyVersions
      historyByteLimit = limits.historyBytes
    }
  }
}

// MARK: Reading

extension Session.State {
  /// A variable by id or name.
  func find(_ identifier: String) -> Variable? {
    if let variable = findByID(identifier) { return variable }
    return variables[identifier]
  }

  /// A variable by its id, `var_<name>_<n>`.
  func findByID(_ identifier: String) -> Variable? {
    // By bytes: characters may join what stands on both sides of a "_".
    let text = identifier.utf8
    guard text.first == UInt8(ascii: "v"), text.count >= 7, text.starts(with: "var_".utf8),
      let end = text.lastIndex(of: UInt8(ascii: "_")),
      let start = text.index(text.startIndex, offsetBy: 4, limitedBy: end), start < end,
      let digit = text[text.index(after: end)...].first, digit > 0x30, digit <= 0x39,
      let ordinal = Int32(identifier[text.index(after: end)...]),
      let variable = variables[String(identifier[start..<end])],
      variable.definition.ordinal == ordinal
    else { return nil }
    return variable
  }

  /// The versions held of a variable, oldest first, without the present one.
  func history(of variable: Variable) -> Deque<Variable> {
    histories[variable.definition.ordinal]?.versions ?? []
  }

  var allWatches: [Watch] { audiences.values.flatMap(\.watches) }
}

// MARK: Committing

/// One change of a revision that is about to be committed.
struct PendingWrite {
  var index: Dictionary<String, Variable>.Index
  var payload: Payload
  /// Of the variable from now on; nil keeps the one it has.
  var definition: Variable.Definition?

  func growth(over current: Variable, _ writer: Writer) -> Int {
    var growth = Variable.size(payload, writer.metadata) - current.size
    if let definition { growth += definition.size - current.definition.size }
    return growth
  }
}

extension Session.State {
  /// The number of the next registration, of a name that is not there.
  ///
  /// - Throws: `SessionError`: `alreadyExists` for the id of another variable, which would then be
  ///   taken for this one; `limitReached` when there are no more numbers.
  mutating func nextOrdinal(for name: String) throws(SessionError) -> Int32 {
    if name.hasPrefix("var_") {
      hasNamesLikeIDs = true
      if let other = findByID(name) {
        throw SessionError(.alreadyExists, "\(name) is the id of the variable \(other.name)")
      }
    }
    repeat {
      guard lastOrdinal < Int32.max else {
        throw SessionError(.limitReached, "the session has registered all variables it can")
      }
      lastOrdinal += 1
      // Nor may the new id be another variable's name.
    } while hasNamesLikeIDs && variables["var_\(name)_\(lastOrdinal)"] != nil
    return lastOrdinal
  }

  /// Adds a variable that is not there, at a revision of its own.
  ///
  /// - Returns: The watches to wake once the lock is released.
  /// - Throws: `SessionError` with code `limitReached`; nothing has changed then.
  mutating func add(
    _ payload: Payload, _ make: (_ revision: Int64, _ payload: Payload) -> Variable
  ) throws(SessionError) -> (variable: Variable, woken: [Watch]) {
    let variable = make(revision + 1, settled(payload, over: nil))
    try account.add(variable.size + variable.definition.size)
    revision += 1
    variables[variable.name] = variable
    var woken: [Watch] = []
    commit(.registered, variable, previous: nil, isLast: true, &woken)
    return (variable, woken)
  }

  /// Makes the next versions of variables, all at one revision, and marks what depends on them.
  ///
  /// - Throws: `SessionError` with code `limitReached`; nothing has changed then.
  mutating func write(
    _ writes: [PendingWrite], kind: Change.Kind = .valueChanged, writer: Writer, now: Int64
  ) throws(SessionError) -> (variables: [Variable], woken: [Watch]) {
    var delta = 0
    for write in writes {
      let current = variables.values[write.index]
      try checkNextVersion(of: current)
      delta += write.growth(over: current, writer)
    }
    try account.add(delta)
    var written: [Variable] = []
    var woken: [Watch] = []
    for write in writes { endLeaseIfOver(at: write.index, &woken) }
    revision += 1
    let dependents = dependencies.isEmpty ? [] : dependents(of: writes)
    for (number, write) in writes.enumerated() {
      if SeededBug.splitBatch.isActive && number > 0 { revision += 1 }
      let isLast = number == writes.count - 1 && dependents.isEmpty
      written.append(apply(write, kind, writer, now, isLast: isLast, &woken))
    }
    for (number, dependent) in dependents.enumerated() {
      markStale(dependent, isLast: number == dependents.count - 1, &woken)
    }
    return (written, woken)
  }

  /// As `write` of one, without the arrays: the usual case.
  mutating func write(
    _ write: PendingWrite, kind: Change.Kind = .valueChanged, writer: Writer, now: Int64
  ) throws(SessionError) -> (variable: Variable, woken: [Watch]) {
    if !dependencies.isEmpty {
      let (variables, woken) = try self.write([write], kind: kind, writer: writer, now: now)
      return (variables[0], woken)
    }
    let current = variables.values[write.index]
    try checkNextVersion(of: current)
    try account.add(write.growth(over: current, writer))
    var woken: [Watch] = []
    endLeaseIfOver(at: write.index, &woken)
    revision += 1
    let variable = apply(write, kind, writer, now, isLast: true, &woken)
    return (variable, woken)
  }

  private func checkNextVersion(of variable: Variable) throws(SessionError) {
    guard variable.version < Int32.max else {
      throw SessionError(
        .limitReached,
        "\(variable.name) has version \(variable.version), the last there is: delete it and register "
          + "it again")
    }
  }

  private mutating func apply(
    _ write: PendingWrite, _ kind: Change.Kind, _ writer: Writer, _ now: Int64, isLast: Bool,
    _ woken: inout [Watch]
  ) -> Variable {
    let current = variables.values[write.index]
    let payload = settled(write.payload, over: current)
    var status = Variable.Status()
    if current.hasStatus { status.optimization = current.status.optimization?.renewed() }
    let variable = Variable(
      definition: write.definition ?? current.definition, payload: payload,
      writeMetadata: writer.metadata, source: writer.source, version: current.version + 1,
      revision: revision, updatedAt: now, status: status)
    variables.values[write.index] = variable
    remember(current)
    commit(kind, variable, previous: current, isLast: isLast, &woken)
    return variable
  }

  /// Gives a variable another status, at a revision of its own.
  mutating func set(
    _ status: Variable.Status, of current: Variable, cause: String
  ) -> (variable: Variable, woken: [Watch]) {
    revision += 1
    let variable = current.with(status)
    variables[current.name] = variable
    if status.optimization == nil {
      optimized.remove(current.name)
    } else {
      optimized.insert(current.name)
    }
    var woken: [Watch] = []
    if SeededBug.silentLock.isActive { return (variable, woken) }
    commit(
      .optimizationChanged, variable, previous: nil, cause: cause, timestamp: Clock.wall,
      isLast: true, &woken)
    return (variable, woken)
  }

  /// Tells of the end of a lock that nobody holds any more, before something else is done to the
  /// variable.
  private mutating func endLeaseIfOver(
    at index: Dictionary<String, Variable>.Index, _ woken: inout [Watch]
  ) {
    let variable = variables.values[index]
    guard variable.hasStatus, let optimization = variable.status.optimization,
      optimization.isOver(Clock.coarseMilliseconds)
    else { return }
    var status = variable.status
    status.optimization = nil
    woken += set(status, of: variable, cause: "expired").woken
  }

  /// Marks a variable as out of date, at the present revision.
  private mutating func markStale(
    _ dependent: DependencyGraph.Affected, isLast: Bool, _ woken: inout [Watch]
  ) {
    // Deleting a variable removes it from the graph.
    guard var variable = variables[dependent.name] else {
      preconditionFailure("\(dependent.name) is in the graph and not in the session")
    }
    if variable.status.staleSince == 0 {
      var status = variable.status
      status.staleSince = revision
      variable = variable.with(status)
      variables[dependent.name] = variable
    }
    commit(
      .dependencyChanged, variable, previous: nil, cause: dependent.type,
      causedBy: dependent.source, timestamp: Clock.wall, isLast: isLast, &woken)
  }

  /// What depends on variables that are about to be written, but is not among them.
  private func dependents(of writes: [PendingWrite]) -> [DependencyGraph.Affected] {
    if SeededBug.missedDependent.isActive && revision % 3 == 0 { return [] }
    return dependencies.affected(by: writes.map { variables.values[$0.index].name })
  }

  /// Removes a variable and all that is kept with it, at a revision of its own.
  mutating func remove(_ variable: Variable) -> [Watch] {
    revision += 1
    variables[variable.name] = nil
    if let history = histories.removeValue(forKey: variable.definition.ordinal) {
      historyBytes -= history.byteCount
    }
    dependencies.remove(variable.name)
    optimized.remove(variable.name)
    release(variable.size + variable.definition.size)
    var woken: [Watch] = []
    commit(.deleted, variable, previous: nil, timestamp: Clock.wall, isLast: true, &woken)
    return woken
  }

  /// Adds a dependency between variables that are there.
  mutating func addDependency(
    source: String, dependent: String, type: String
  ) throws(SessionError) {
    try dependencies.add(source: source, dependent: dependent, type: type)
    recorder?.dependencyAdded(source: source, dependent: dependent, type: type)
  }

  /// Counts what a session keeps beside its variables.
  mutating func charge(_ metadata: [String: String]) throws(SessionError) {
    try account.add(VariableMetadata(metadata).size)
  }

  /// Adds a variable of an image, without a change.
  mutating func restore(_ image: VariableImage, upTo revision: Int64) throws {
    let rules = try Variable.Definition.Rules(
      constraints: image.constraints, accessControl: image.accessControl, type: image.type)
    let definition = Variable.Definition(
      name: image.name, type: image.type, ordinal: image.ordinal, rules: rules,
      metadata: VariableMetadata(image.metadata))
    guard let last = image.versions.last, variables[image.name] == nil else {
      throw SessionError(
        .invalidArgument, "\(image.name) has no version, or is there twice")
    }
    guard (0...revision).contains(image.staleSince) else {
      throw SessionError(
        .invalidArgument,
        "\(image.name) is stale since revision \(image.staleSince), which is not from 0 to \(revision)"
      )
    }
    var version: Int32 = 0
    for past in image.versions {
      guard past.version > version, past.revision > 0, past.revision <= revision else {
        throw SessionError(
          .invalidArgument,
          "version \(past.version) of \(image.name), of revision \(past.revision), is out of order")
      }
      guard past.updatedAt >= 0, past.payload.form.subtracting([.snakepitURL, .binary]).isEmpty
      else {
        throw SessionError(
          .invalidArgument,
          "version \(past.version) of \(image.name) has the time \(past.updatedAt) and the form "
            + "\(past.payload.form.rawValue), which no version has")
      }
      version = past.version
      var status = Variable.Status()
      if past.version == last.version { status.staleSince = image.staleSince }
      let variable = Variable(
        definition: definition, payload: past.payload,
        writeMetadata: VariableMetadata(past.metadata),
        source: past.source, version: past.version, revision: past.revision,
        updatedAt: past.updatedAt, status: status)
      if past.version < last.version {
        remember(variable)
      } else {
        try rules?.constraints?.check(variable.value)
        if form == nil { form = variable.payload.form }
        if image.name.hasPrefix("var_") { hasNamesLikeIDs = true }
        try account.add(variable.size + definition.size)
        variables[image.name] = variable
      }
    }
  }

  /// Ends the session. What it held is to be let go of once the lock is released.
  mutating func close() -> SessionRemains {
    recorder?.ended()
    let remains = SessionRemains(
      variables: variables, histories: histories, dependencies: dependencies)
    variables = [:]
    histories = [:]
    historyBytes = 0
    dependencies = DependencyGraph()
    optimized = []
    account.close()
    return remains
  }

  /// The payload in a form that its readers know.
  private mutating func settled(_ payload: Payload, over current: Variable?) -> Payload {
    var payload = payload
    if payload.form.contains(.inherited) {
      payload.form.settle(from: current?.payload.form ?? form ?? [])
    } else if form == nil {
      form = payload.form
    }
    return payload
  }

  private mutating func release(_ bytes: Int) {
    do {
      try account.add(-bytes)
    } catch {
      preconditionFailure("giving back was refused: \(error)")
    }
  }

  private mutating func remember(_ version: Variable) {
    guard historyVersionLimit > 0 else { return }
    historyBytes += histories[version.definition.ordinal, default: VariableHistory()].add(
      version, limit: historyVersionLimit, room: historyByteLimit - historyBytes)
  }

  /// Keeps the encoded update of a change for as long as the log has it.
  mutating func keep(_ update: [UInt8], with change: Change) { log.keep(update, with: change) }

  /// Logs a change of the present revision, and collects the watches that must be woken once the
  /// lock is released.
  private mutating func commit(
    _ kind: Change.Kind, _ variable: Variable, previous: Variable?, cause: String = "",
    causedBy: String = "", timestamp: Int64? = nil, isLast: Bool, _ woken: inout [Watch]
  ) {
    let position = log.end
    let change = Change(
      kind: kind, revision: revision, timestamp: timestamp ?? variable.updatedAt,
      variable: variable, previous: previous, cause: cause, causedBy: causedBy,
      isLastInRevision: isLast)
    if conflatingWatches.isEmpty {
      log.append(change)
    } else {
      let watches = conflatingWatches
      log.append(change) { dropped, position in
        for watch in watches { watch.absorb(dropped, at: position) }
      }
    }
    if let recorder {
      uncommitted.append(change)
      if isLast {
        recorder.committed(uncommitted)
        uncommitted = []
      }
    }
    guard watchCount > 0 else { return }
    if SeededBug.missedWake.isActive && revision % 5 == 0 { return }
    let named = audiencesByName.isEmpty ? nil : audiencesByName[variable.name]
    for audience in named ?? [] { wake(audience, for: variable, at: position, &woken) }
    for audience in broadAudiences { wake(audience, for: variable, at: position, &woken) }
  }

  private func wake(
    _ audience: Audience, for variable: Variable, at position: Int, _ woken: inout [Watch]
  ) {
    guard audience.reports(variable.definition) else { return }
    for watch in audience.watches where !watch.isPending {
      watch.isPending = true
      watch.position = position
      woken.append(watch)
    }
  }
}
