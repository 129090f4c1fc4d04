internal import BridgeSessions
internal import Logging

/// The services of a session in this process.
// Three references and no more: so an `any CallServices` holds it in place, without a box.
struct SessionServices: CallServices {
  let session: Session
  /// The tool that runs, for the metadata of what it writes.
  let tool: RunningTool

  var sessionID: String { session.id }
  var sessionEpoch: String { session.epoch }

  func get(_ identifier: String) throws -> VariableSnapshot {
    VariableSnapshot(try session.get(identifier).variable)
  }

  func list(_ pattern: String) throws -> [VariableSnapshot] {
    try session.list(pattern).variables.map { VariableSnapshot($0) }
  }

  func set(_ write: VariableWrite) throws -> VariableSnapshot {
    let variable = try session.set(
      write.identifier, expectedVersion: write.expectedVersion, writer: writer(write.metadata)
    ) { Payload(try write.value.converted(to: $0.type)) }
    try session.waitUntilStored()
    return VariableSnapshot(variable)
  }

  func setAll(_ writes: [VariableWrite]) throws -> [VariableSnapshot] {
    let updates = writes.map { write in
      var update = Update(write.identifier, expectedVersion: write.expectedVersion) {
        Payload(try write.value.converted(to: $0.type))
      }
      update.isCheckOnly = write.isCheckOnly
      update.writer = writer(write.metadata)
      return update
    }
    let result = try session.set(updates, atomic: true, writer: writer([:]))
    let errors = result.results.compactMap { result -> SessionError? in
      if case .failure(let error) = result { error } else { nil }
    }
    // The batch has one reason; the others are refused because of it.
    if let error = errors.first(where: { $0.message != Session.batchRefused.message })
      ?? errors.first
    {
      throw error
    }
    try session.waitUntilStored()
    return try result.results.map { VariableSnapshot(try $0.get()) }
  }

  func create(_ variable: NewVariable) throws -> VariableSnapshot {
    let created = try session.register(try registration(variable), writer: writer([:]))
    try session.waitUntilStored()
    return VariableSnapshot(created.variable)
  }

  func remove(_ identifier: String) throws {
    _ = try session.delete(identifier, writer: writer([:]))
    try session.waitUntilStored()
  }

  func preview(_ change: PendingChange) throws -> VariableSnapshot? {
    try session.preview(step(change)).map { VariableSnapshot($0) }
  }

  func commit(_ changes: [PendingChange]) throws {
    try session.commit(changes.map(step))
    try session.waitUntilStored()
  }

  private func step(_ change: PendingChange) throws -> TransactionStep {
    var step = TransactionStep(
      change.identifier, .check, writer: writer(change.metadata, tool: change.tool))
    step.expected = change.expected.map { TransactionStep.Version(id: $0.id, number: $0.number) }
    switch change.action {
    case .check: break
    case .write(let value): step.action = .write { Payload(try value.converted(to: $0.type)) }
    case .create(let variable): step.action = .register(try registration(variable))
    case .replace(let variable): step.action = .replace(try registration(variable))
    case .remove: step.action = .remove
    }
    return step
  }

  private func registration(_ variable: NewVariable) throws -> Registration {
    try session.registration(
      name: variable.name, type: variable.type, constraints: variable.constraintsJSON,
      payload: Payload(try variable.value.converted(to: variable.type)),
      metadata: variable.metadata)
  }

  func watch(
    _ identifiers: [String], initial: Bool,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) throws -> any VariableSubscription {
    let subscription = SessionSubscription(callbacks: tool.threads.callbacks, deliver: deliver)
    try subscription.start(session, identifiers, initial: initial)
    return subscription
  }

  func log(_ level: Logger.Level, _ message: String, from call: ToolCall) {
    tool.log(level, message, session: session.id, from: call)
  }

  func start(
    _ name: String, arguments: [any ArgumentSource], metadata: VariableMetadata, deadline: Int64?,
    isStreaming: Bool, from caller: ToolCall, waits: Bool, observer: any ToolCallObserver
  ) throws -> ToolCall {
    try tool.start(
      name, arguments: arguments, metadata: metadata, deadline: deadline,
      isStreaming: isStreaming, in: session, from: caller, waits: waits, observer: observer)
  }

  func whenSessionEnds(_ body: @escaping @Sendable () -> Void) { session.whenEnded { _ in body() } }

  /// Metadata of the tool's own may say more, but not who wrote.
  private func writer(_ metadata: VariableMetadata, tool: String? = nil) -> Writer {
    var metadata = metadata
    metadata["source"] = "tool:\(tool ?? self.tool.name)"
    return Writer(.plugin, metadata: metadata)
  }
}
