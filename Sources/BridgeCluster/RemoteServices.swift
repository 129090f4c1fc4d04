internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import GRPCProtobuf
internal import Logging
internal import SwiftProtobuf
internal import Synchronization

/// The services of a session that another host holds: questions and writes are calls of that host.
///
/// On threads that may be blocked.
final class RemoteServices: CallServices {
  private let session: RemoteSession
  private let tool: RunningTool
  private let deadline: Int64?
  /// Whether the session was there when this call asked for something.
  private let hasFoundSession = Atomic<Bool>(false)

  init(session: RemoteSession, tool: RunningTool, deadline: Int64?) {
    self.session = session
    self.tool = tool
    self.deadline = deadline
  }

  var sessionID: String { session.id }
  var sessionEpoch: String { (try? session.open(deadline: deadline)) ?? "" }

  /// Asks the session's host. A session that has ended since another call used it is made anew, as for every
  /// call.
  private func ask<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, _ request: Request
  ) throws -> Response {
    do {
      _ = try session.open(deadline: deadline)
      let response = try session.host.call(method, request, deadline: deadline)
      hasFoundSession.store(true, ordering: .relaxed)
      return response
    } catch let error as SessionError where error.code == .sessionNotFound {
      session.end()
      if hasFoundSession.exchange(true, ordering: .relaxed) || !session.host.createsSessions {
        throw error
      }
      _ = try RemoteSession(session.id, at: session.host).open(deadline: deadline)
      return try session.host.call(method, request, deadline: deadline)
    }
  }

  // MARK: Reading

  func get(_ identifier: String) throws -> VariableSnapshot {
    let request = Snakepit_Bridge_GetVariableRequest.with {
      $0.sessionID = session.id
      $0.variableIdentifier = identifier
    }
    return try snapshot(try ask(BridgeMethods.getVariable, request).variable)
  }

  func list(_ pattern: String) throws -> [VariableSnapshot] {
    let request = Snakepit_Bridge_ListVariablesRequest.with {
      $0.sessionID = session.id
      $0.pattern = pattern
    }
    return try ask(BridgeMethods.listVariables, request).variables.map(snapshot)
  }

  private func snapshot(_ variable: Snakepit_Bridge_Variable) throws -> VariableSnapshot {
    VariableSnapshot(try VariableFacts(variable))
  }

  // MARK: Writing

  func set(_ write: VariableWrite) throws -> VariableSnapshot {
    guard let snapshot = try apply([step(write)]).first ?? nil else { throw Self.incomplete }
    return snapshot
  }

  func setAll(_ writes: [VariableWrite]) throws -> [VariableSnapshot] {
    if writes.isEmpty { return [] }
    return try apply(writes.map(step)).map {
      guard let snapshot = $0 else { throw Self.incomplete }
      return snapshot
    }
  }

  func create(_ variable: NewVariable) throws -> VariableSnapshot {
    let change = PendingChange(variable.name, .create(variable), by: tool.name)
    guard let snapshot = try apply([step(change)]).first ?? nil else { throw Self.incomplete }
    return snapshot
  }

  func remove(_ identifier: String) throws {
    _ = try apply([step(PendingChange(identifier, .remove, by: tool.name))])
  }

  func preview(_ change: PendingChange) throws -> VariableSnapshot? {
    try apply([step(change)], isDryRun: true).first ?? nil
  }

  func commit(_ changes: [PendingChange]) throws {
    if changes.isEmpty { return }
    _ = try apply(changes.map(step))
  }

  /// - Returns: A result for each step.
  private func apply(
    _ steps: [BridgeHost_V1_VariableStep], isDryRun: Bool = false
  ) throws -> [VariableSnapshot?] {
    let request = BridgeHost_V1_ApplyRequest.with {
      $0.sessionID = session.id
      $0.steps = steps
      $0.dryRun = isDryRun
    }
    let results = try ask(TransactionMethods.apply, request).results
    guard results.count == steps.count else { throw Self.incomplete }
    return try results.map { $0.hasVariable ? try snapshot($0.variable) : nil }
  }

  private static let incomplete = SessionError(
    .unsupported, "the host that holds the session answered a write with something else")

  // MARK: Steps

  private func step(_ write: VariableWrite) throws -> BridgeHost_V1_VariableStep {
    var step = BridgeHost_V1_VariableStep()
    step.variable = write.identifier
    if write.isCheckOnly { step.check = .init() } else { step.write = try .init(write.value) }
    step.expectedVersion = write.expectedVersion
    step.metadata = metadata(write.metadata, tool.name)
    return step
  }

  private func step(_ change: PendingChange) throws -> BridgeHost_V1_VariableStep {
    var step = BridgeHost_V1_VariableStep()
    step.variable = change.identifier
    switch change.action {
    case .check: step.check = .init()
    case .write(let value): step.write = try .init(value)
    case .create(let variable): step.create = try .init(variable)
    case .replace(let variable): step.replace = try .init(variable)
    case .remove: step.remove = .init()
    }
    if let expected = change.expected {
      step.expectedVersion = expected.number
      step.expectedID = expected.id
    }
    step.metadata = metadata(change.metadata, change.tool)
    return step
  }

  /// Metadata of the tool's own may say more, but not who wrote.
  private func metadata(_ metadata: VariableMetadata, _ tool: String) -> [String: String] {
    var entries: [String: String] = [:]
    for entry in metadata.entries { entries[entry.key] = entry.value }
    entries["source"] = "tool:\(tool)"
    return entries
  }

  // MARK: Everything else

  func watch(
    _ identifiers: [String], initial: Bool,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) throws -> any VariableSubscription {
    _ = try session.open(deadline: deadline)
    let subscription = RemoteSubscription(
      session, identifiers, initial: initial, threads: tool.threads, deliver: deliver)
    try subscription.start()
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

  func whenSessionEnds(_ body: @escaping @Sendable () -> Void) { session.whenEnded(tool, body) }
}

extension BridgeHost_V1_TypedValue {
  /// A value as it travels.
  ///
  /// - Throws: `SessionError` for what no variable takes.
  fileprivate init(_ value: ToolValue) throws {
    self.init()
    switch value {
    case .value(.array(let array), let type):
      self.value.typeURL = TypeURL.url(for: type, form: [], binary: true)
      self.value.value = .init(array.binaryMetadata(type: type))
      binaryValue = .init(array.bytes)
    case .value(let value, let type):
      self.value.typeURL = TypeURL.url(for: type, form: [], binary: false)
      self.value.value = .init(value.json(as: type))
    case .json(let text, _):
      self.value.typeURL = "dspex.variables/json"
      self.value.value = .init(text)
    case .donated: try self.init(value.owned)
    case .null, .bytes:
      throw SessionError(.invalidValue, "expected a value of a variable, got \(value.typeName)")
    }
  }
}

extension BridgeHost_V1_NewVariable {
  fileprivate init(_ variable: NewVariable) throws {
    self.init()
    type = variable.type.rawValue
    value = try .init(variable.value)
    constraintsJson = variable.constraintsJSON
    for entry in variable.metadata.entries { metadata[entry.key] = entry.value }
  }
}
