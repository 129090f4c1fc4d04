/// What a transaction does to one variable.
public struct TransactionStep: Sendable {
  /// What happens to the variable.
  public enum Action: Sendable {
    /// Nothing: it is only held to `expected`.
    case check
    /// Its next version. The value is made for the variable as it is, outside the session's lock.
    case write(@Sendable (Variable.Definition) throws -> Payload)
    /// It is created; it must not be there.
    case register(Registration)
    /// It is removed, and another one of its name is created.
    case replace(Registration)
    case remove
  }

  /// A version of a variable.
  public struct Version: Sendable, Hashable {
    /// The variable's id: one that is created anew under the same name has another.
    public let id: String
    /// The version's number.
    public let number: Int32

    /// Names a version.
    public init(id: String, number: Int32) {
      self.id = id
      self.number = number
    }
  }

  /// The id or name of the variable.
  public var identifier: String
  /// What happens to it.
  public var action: Action
  /// The version that the variable must have; nil takes any.
  public var expected: Version?
  /// Who does it.
  public var writer: Writer

  /// A step without a condition.
  public init(_ identifier: String, _ action: Action, writer: Writer) {
    self.identifier = identifier
    self.action = action
    self.writer = writer
  }
}

extension Session {
  /// A variable that is to be created, checked as far as it can be without the present state.
  ///
  /// - Throws: As `Registration`.
  public func registration(
    name: String, type: ValueType, constraints: String = "", payload: Payload,
    metadata: VariableMetadata = [:]
  ) throws -> Registration {
    var searches = SearchBudget()
    return try Registration(
      name: name, type: type, constraints: constraints, accessControl: "", payload: payload,
      metadata: metadata, limits: limits, searches: &searches)
  }

  /// Changes different variables at one revision: all of them, or none.
  ///
  /// - Returns: The variables after it, in the order of the steps; nil for a removal.
  /// - Throws: `SessionError` of the first step that is refused: `versionMismatch` where one is not as
  ///   expected, and those of `register`, `set` and `delete`.
  @discardableResult
  public func commit(_ steps: [TransactionStep]) throws -> [Variable?] {
    try journal?.checkAvailable()
    try checkIdentifiers(steps.map(\.identifier))
    while true {
      let prepared = try prepare(steps)
      let now = Clock.wall
      let result = try state.withLock { state -> ([Variable?], [Watch])? in
        guard let decided = try decide(prepared, time: now, &state) else { return nil }
        if decided.isEmpty { return (steps.map { state.find($0.identifier) }, []) }
        var woken: [Watch] = []
        if !state.optimized.isEmpty {
          for case .write(let write, _) in decided {
            state.endLeaseIfOver(of: state.variables[write.name]!, time: now, &woken)
          }
        }
        state.apply(decided, &woken)
        return (steps.map { Self.outcome(of: $0, state) }, woken)
      }
      guard let (variables, woken) = result else { continue }
      for watch in woken { watch.wake() }
      return variables
    }
  }

  /// The variable of a step that was applied.
  private static func outcome(of step: TransactionStep, _ state: borrowing State) -> Variable? {
    switch step.action {
    case .check, .write: state.find(step.identifier)
    case .register(let registration), .replace(let registration):
      state.variables[registration.name]
    case .remove: nil
    }
  }

  /// Checks a step as `commit` would, and changes nothing.
  ///
  /// - Returns: The version that it would make, at revision 0; for a check the one that is there, and
  ///   nil for a removal.
  /// - Throws: As `commit`.
  public func preview(_ step: TransactionStep) throws -> Variable? {
    try journal?.checkAvailable()
    try checkIdentifiers([step.identifier])
    while true {
      let prepared = try prepare([step])
      let now = Clock.wall
      let result = try state.withLock { state -> (Mutation.Step?, Variable?)? in
        try decide(prepared, time: now, &state).map { ($0.last, state.find(step.identifier)) }
      }
      guard let (decided, current) = result else { continue }
      func version(
        _ definition: Variable.Definition, _ payload: Payload, _ origin: Mutation.Origin,
        number: Int32
      ) -> Variable {
        Variable(
          definition: definition, payload: payload, writeMetadata: origin.writer.metadata,
          source: origin.writer.source, version: number, revision: 0, updatedAt: origin.time)
      }
      switch decided {
      case .register(let definition, let payload, let origin):
        return version(definition, payload, origin, number: 1)
      case .write(let write, let origin):
        guard let current else { preconditionFailure("a write was decided of no variable") }
        return version(
          current.definition, write.payload, origin, number: current.version + 1)
      case .remove: return nil
      case nil: return current
      }
    }
  }

  /// A step and, for a write, its value for the variable that it met.
  private struct PreparedStep {
    let step: TransactionStep
    var write: (definition: Variable.Definition, payload: Payload)?
  }

  /// Makes and checks all values, outside the lock.
  private func prepare(_ steps: [TransactionStep]) throws -> [PreparedStep] {
    var searches = SearchBudget()
    return try steps.map { step in
      guard case .write(let payload) = step.action else { return PreparedStep(step: step) }
      let definition = try get(step.identifier).variable.definition
      try definition.access?.check(step.writer, changes: definition.name)
      return PreparedStep(
        step: step,
        write: (
          definition, try payload(definition).admitted(by: definition.constraints, &searches)
        ))
    }
  }

  /// Decides what steps become, and makes room for it. Under the lock.
  ///
  /// - Returns: nil when a variable was replaced since its value was made.
  private func decide(
    _ prepared: [PreparedStep], time: Int64, _ state: inout State
  ) throws -> [Mutation.Step]? {
    try checkOpen(state)
    var removals: [Mutation.Step] = []
    var writes: [Mutation.Step] = []
    var registrations: [(Registration, Mutation.Origin)] = []
    var growth = 0
    var seen: Set<String> = []
    for item in prepared {
      let step = item.step
      let current = state.find(step.identifier)
      if let expected = step.expected { try check(expected, of: current, step.identifier) }
      guard seen.insert(current?.name ?? step.identifier).inserted else {
        throw SessionError(
          .invalidArgument, "\(step.identifier) is changed twice in one transaction")
      }
      let origin = Mutation.Origin(writer: step.writer, time: time)
      switch step.action {
      case .check:
        if current == nil { throw variableNotFound(step.identifier) }
      case .write:
        guard let current, let (definition, payload) = item.write, definition === current.definition
        else { return nil }
        try checkLock(of: current, step.writer)
        let write = try state.decideWrite(payload, of: current, step.writer)
        growth += write.growth
        writes.append(.write(write, origin))
      case .register(let registration):
        if let current { throw alreadyExists(current) }
        registrations.append((registration, origin))
      case .replace, .remove:
        guard let current else { throw variableNotFound(step.identifier) }
        try current.definition.access?.check(step.writer, changes: current.name)
        try checkLock(of: current, step.writer)
        growth -= current.size + current.definition.size
        removals.append(.remove(variable: current.name, time: time))
        if case .replace(let registration) = step.action {
          registrations.append((registration, origin))
        }
      }
    }
    let count = state.variables.count - removals.count + registrations.count
    if !registrations.isEmpty && count > limits.variablesPerSession { throw tooManyVariables }
    let registered = try number(registrations, state, &growth)
    try state.reserve(growth)
    return removals + registered + writes
  }

  /// Gives variables that are to be created their numbers, in order.
  private func number(
    _ registrations: [(Registration, Mutation.Origin)], _ state: State, _ growth: inout Int
  ) throws(SessionError) -> [Mutation.Step] {
    if registrations.isEmpty { return [] }
    // Of two new ones, one may be named as the other's id would be: it is the longer name, and is
    // registered before.
    let (plain, likeIDs) = (
      registrations.filter { !$0.0.name.hasPrefix("var_") },
      registrations.filter { $0.0.name.hasPrefix("var_") }
        .sorted { $0.0.name.utf8.count > $1.0.name.utf8.count }
    )
    var ordinal = state.lastOrdinal
    var names: Set<String> = []
    var steps: [Mutation.Step] = []
    for (registration, origin) in likeIDs + plain {
      ordinal = try state.nextOrdinal(for: registration.name, after: ordinal, besides: names)
      if registration.name.hasPrefix("var_") { names.insert(registration.name) }
      let definition = Variable.Definition(
        name: registration.name, type: registration.type, ordinal: ordinal,
        rules: registration.rules, metadata: registration.metadata)
      growth +=
        Variable.size(registration.payload, origin.writer.metadata) + definition.size
      steps.append(.register(definition, registration.payload, origin))
    }
    return steps
  }

  private func check(
    _ expected: TransactionStep.Version, of current: Variable?, _ identifier: String
  ) throws(SessionError) {
    guard let current, current.id == expected.id else {
      throw SessionError(
        .versionMismatch, "Version mismatch for \(identifier): it was removed",
        details: ["variable": identifier])
    }
    try check(expected.number, of: current)
  }
}
