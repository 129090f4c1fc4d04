internal import BridgeSessions
internal import Logging
internal import Threads

/// What a call of an atomic tool has written and nobody else sees yet.
///
/// It ends once: committed or discarded. Thread-safe.
final class VariableTransaction: Sendable {
  private struct State {
    var changes = PendingChanges()
    var isOver = false
  }

  private let state = Locked(State())

  /// Reads the changes.
  func read<Result>(_ body: (PendingChanges) throws -> Result) rethrows -> Result {
    try state.withLock { try body($0.changes) }
  }

  /// Adds changes.
  ///
  /// - Parameter body: Leaves everything as it was when it throws.
  /// - Throws: `SessionError` with code `failedPrecondition` when the transaction is over.
  func change<Result>(_ body: (inout PendingChanges) throws -> Result) throws -> Result {
    try state.withLock { state in
      if state.isOver {
        throw SessionError(
          .failedPrecondition,
          "the call of the atomic tool has ended, so nothing is written any more")
      }
      return try body(&state.changes)
    }
  }

  /// Ends the transaction.
  ///
  /// - Returns: What is to be committed; nothing when it was over.
  func end() -> [PendingChange] {
    state.withLock { state in
      defer { state = State(changes: PendingChanges(), isOver: true) }
      return state.changes.changes
    }
  }
}

/// Services that hold writes back in a transaction, over others that the transaction is committed to.
///
/// Reads see what is held back; watches, also those of the tool itself, what is committed. Over other
/// services of this kind, transactions are nested.
struct TransactionServices: CallServices {
  let transaction: VariableTransaction
  let services: any CallServices
  /// The tool that writes.
  let tool: String

  var sessionID: String { services.sessionID }
  var sessionEpoch: String { services.sessionEpoch }

  // MARK: Reading

  func get(_ identifier: String) throws -> VariableSnapshot {
    switch transaction.read({ $0.find(identifier) }) {
    case .changed(let snapshot): return snapshot
    case .removed: throw PendingChanges.notFound(identifier)
    case .unknown: return try services.get(identifier)
    }
  }

  func list(_ pattern: String) throws -> [VariableSnapshot] {
    let listed = try services.list(pattern)
    let wildcard = Wildcard(pattern)
    return transaction.read { changes in
      changes.overlaid(listed) { pattern.isEmpty || wildcard.matches($0) }
    }
  }

  // MARK: Writing

  func set(_ write: VariableWrite) throws -> VariableSnapshot {
    try transaction.change { try add(write, to: &$0) }
  }

  func setAll(_ writes: [VariableWrite]) throws -> [VariableSnapshot] {
    try transaction.change { own in
      var changes = own
      var names: Set<String> = []
      let snapshots = try writes.map { write in
        let snapshot = try add(write, to: &changes)
        guard names.insert(snapshot.name).inserted else {
          throw SessionError(
            .invalidArgument,
            "\(write.identifier) addresses \(snapshot.name), which the batch writes twice")
        }
        return snapshot
      }
      own = changes
      return snapshots
    }
  }

  private func add(
    _ write: VariableWrite, to changes: inout PendingChanges
  ) throws -> VariableSnapshot {
    var change = PendingChange(
      write.identifier, write.isCheckOnly ? .check : .write(write.value),
      metadata: write.metadata, by: tool)
    if write.expectedVersion != 0 {
      // A version is one of a variable: if another takes its name, it is not meant.
      let present: VariableSnapshot
      switch changes.find(write.identifier) {
      case .changed(let snapshot): present = snapshot
      case .removed: throw PendingChanges.notFound(write.identifier)
      case .unknown: present = try services.get(write.identifier)
      }
      change.expected = PendingChange.Version(id: present.id, number: write.expectedVersion)
    }
    guard let snapshot = try changes.add(change, over: services) else {
      preconditionFailure("a write leaves a variable")
    }
    return snapshot
  }

  func create(_ variable: NewVariable) throws -> VariableSnapshot {
    try transaction.change { changes in
      let change = PendingChange(variable.name, .create(variable), by: tool)
      guard let snapshot = try changes.add(change, over: services) else {
        preconditionFailure("a creation leaves a variable")
      }
      return snapshot
    }
  }

  func remove(_ identifier: String) throws {
    try transaction.change { changes in
      _ = try changes.add(PendingChange(identifier, .remove, by: tool), over: services)
    }
  }

  // MARK: Transactions within this one

  func preview(_ change: PendingChange) throws -> VariableSnapshot? {
    var changes = transaction.read { $0 }
    return try changes.add(change, over: services)
  }

  func commit(_ changes: [PendingChange]) throws {
    try transaction.change { own in
      var all = own
      for change in changes { _ = try all.add(change, over: services) }
      own = all
    }
  }

  // MARK: Everything else

  func watch(
    _ identifiers: [String], initial: Bool,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) throws -> any VariableSubscription {
    try services.watch(identifiers, initial: initial, deliver: deliver)
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
}
