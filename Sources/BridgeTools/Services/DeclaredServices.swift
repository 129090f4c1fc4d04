internal import BridgeSessions
internal import Logging

/// Services that give a tool no more than it declares: what it says it reads and writes, and no writes
/// to a read-only tool.
///
/// It stands before every other implementation, so that all of them refuse alike.
struct DeclaredServices: CallServices {
  let described: DescribedTool
  let services: any CallServices

  private var tool: ToolDescription { described.tool }

  var sessionID: String { services.sessionID }
  var sessionEpoch: String { services.sessionEpoch }

  func get(_ identifier: String) throws -> VariableSnapshot {
    let snapshot: VariableSnapshot
    do {
      snapshot = try services.get(identifier)
    } catch {
      // Whether a variable is there is not told of what the tool may not read.
      try checkRead(identifier)
      throw error
    }
    try checkRead(snapshot.name)
    return snapshot
  }

  func list(_ pattern: String) throws -> [VariableSnapshot] {
    try services.list(pattern).filter { mayRead($0.name) }
  }

  func set(_ write: VariableWrite) throws -> VariableSnapshot {
    try checkWrite(name(of: write.identifier))
    return try services.set(write)
  }

  func setAll(_ writes: [VariableWrite]) throws -> [VariableSnapshot] {
    for write in writes {
      let name = name(of: write.identifier)
      if write.isCheckOnly { try checkRead(name) } else { try checkWrite(name) }
    }
    return try services.setAll(writes)
  }

  func create(_ variable: NewVariable) throws -> VariableSnapshot {
    try checkWrite(variable.name)
    return try services.create(variable)
  }

  func remove(_ identifier: String) throws {
    try checkWrite(name(of: identifier))
    try services.remove(identifier)
  }

  func preview(_ change: PendingChange) throws -> VariableSnapshot? {
    try check(change)
    return try services.preview(change)
  }

  func commit(_ changes: [PendingChange]) throws {
    for change in changes { try check(change) }
    try services.commit(changes)
  }

  private func check(_ change: PendingChange) throws {
    let name = name(of: change.identifier)
    if case .check = change.action { try checkRead(name) } else { try checkWrite(name) }
  }

  func watch(
    _ identifiers: [String], initial: Bool,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) throws -> any VariableSubscription {
    for identifier in identifiers { try checkRead(name(of: identifier)) }
    if identifiers.isEmpty { try checkRead("*") }
    return try services.watch(identifiers, initial: initial, deliver: deliver)
  }

  func log(_ level: Logger.Level, _ message: String, from call: ToolCall) {
    services.log(level, message, from: call)
  }

  func start(
    _ tool: String, arguments: [any ArgumentSource], metadata: VariableMetadata, deadline: Int64?,
    isStreaming: Bool, from caller: ToolCall, waits: Bool, observer: any ToolCallObserver
  ) throws -> ToolCall {
    try services.start(
      tool, arguments: arguments, metadata: metadata, deadline: deadline,
      isStreaming: isStreaming, from: caller, waits: waits, observer: observer)
  }

  func whenSessionEnds(_ body: @escaping @Sendable () -> Void) { services.whenSessionEnds(body) }

  // MARK: What is declared

  /// The name behind an identifier.
  private func name(of identifier: String) -> String {
    if !tool.declaresVariables || !identifier.utf8.starts(with: "var_".utf8) { return identifier }
    return (try? services.get(identifier))?.name ?? identifier
  }

  private func mayRead(_ name: String) -> Bool {
    !tool.declaresVariables || Self.covers(tool.reads, name) || Self.covers(tool.writes, name)
  }

  private func checkRead(_ name: String) throws(SessionError) {
    if mayRead(name) { return }
    throw SessionError(.permissionDenied, "\(tool.name) does not declare that it reads \(name)")
  }

  private func checkWrite(_ name: String) throws(SessionError) {
    if tool.isReadOnly {
      throw SessionError(.permissionDenied, "\(tool.name) is read-only and cannot write \(name)")
    }
    if !tool.declaresVariables || Self.covers(tool.writes, name) { return }
    throw SessionError(.permissionDenied, "\(tool.name) does not declare that it writes \(name)")
  }

  private static func covers(_ declared: [String], _ name: String) -> Bool {
    declared.contains { $0 == name || Wildcard($0).matches(name) }
  }
}
