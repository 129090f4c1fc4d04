internal import BridgeSessions
internal import BridgeTools
internal import Logging
internal import Threads

/// Answers a tool from the record of a call.
///
/// What is asked for is found by what it is and of what, in the order of the record; values may be others. What
/// the record does not have is answered as well as the record allows. Changes of watches come as soon as the
/// tool has asked for what it had asked for before them.
///
/// Thread-safe.
final class ReplayServices: CallServices {
  let sessionID: String
  let sessionEpoch: String
  private let threads: ToolThreads
  private let condition = Condition()
  private let state: Locked<State>

  private struct State {
    var events: [RecordedCall.Event]
    var isUsed: [Bool]
    /// What is known of each variable: the last that was told.
    var known: [String: VariableSnapshot] = [:]
    /// How many requests were made.
    var made = 0
    var isOver = false
  }

  init(_ call: RecordedCall, threads: ToolThreads) {
    sessionID = call.session
    sessionEpoch = call.epoch
    self.threads = threads
    state = Locked(
      State(events: call.events, isUsed: call.events.map { _ in false }))
    // What the record tells first of a variable is what it was.
    state.withLock { state in
      for event in call.events.reversed() {
        if case .asked(_, let answer, _, _) = event { Self.learn(answer, &state.known) }
      }
    }
  }

  private static func learn(
    _ answer: RecordedCall.Answer, _ known: inout [String: VariableSnapshot]
  ) {
    switch answer {
    case .variable(let snapshot): known[snapshot.name] = snapshot
    case .variables(let snapshots): for snapshot in snapshots { known[snapshot.name] = snapshot }
    case .none, .done, .failure: break
    }
  }

  /// The call has ended: nothing is delivered any more.
  func end() {
    condition.withLock {
      state.withLock { $0.isOver = true }
      condition.broadcast()
    }
  }

  // MARK: Answers

  /// - Returns: What the record has of it; nil where it does not.
  private func recorded(
    _ request: RecordedCall.Request
  ) -> (request: RecordedCall.Request, answer: RecordedCall.Answer)? {
    let found = state.withLock { state -> (RecordedCall.Request, RecordedCall.Answer)? in
      state.made += 1
      for (index, event) in state.events.enumerated() where !state.isUsed[index] {
        guard case .asked(let other, let answer, _, _) = event, other.subject == request.subject
        else { continue }
        state.isUsed[index] = true
        Self.learn(answer, &state.known)
        return (other, answer)
      }
      return nil
    }
    condition.withLock { condition.broadcast() }
    return found
  }

  private func known(_ identifier: String) -> VariableSnapshot? {
    state.withLock { state in
      state.known[identifier] ?? state.known.values.first { $0.id == identifier }
    }
  }

  private func notRecorded(_ what: String) -> SessionError {
    SessionError(.variableNotFound, "the record does not tell of \(what)")
  }

  private func variable(
    _ request: RecordedCall.Request, or other: () throws -> VariableSnapshot
  ) throws -> VariableSnapshot {
    switch recorded(request)?.answer {
    case .variable(let snapshot): return snapshot
    case .failure(let error): throw error
    case .variables(let snapshots) where snapshots.count == 1: return snapshots[0]
    default: return try other()
    }
  }

  func get(_ identifier: String) throws -> VariableSnapshot {
    try variable(.get(identifier)) {
      guard let snapshot = known(identifier) else { throw notRecorded(identifier) }
      return snapshot
    }
  }

  func list(_ pattern: String) throws -> [VariableSnapshot] {
    switch recorded(.list(pattern))?.answer {
    case .variables(let snapshots): return snapshots
    case .failure(let error): throw error
    default:
      let wildcard = Wildcard(pattern)
      return state.withLock { Array($0.known.values) }
        .filter { pattern.isEmpty || wildcard.matches($0.name) }.sorted { $0.id < $1.id }
    }
  }

  func set(_ write: VariableWrite) throws -> VariableSnapshot {
    try variable(.set(write)) { try written(write) }
  }

  /// What a write that the record does not have would have made.
  private func written(_ write: VariableWrite) throws -> VariableSnapshot {
    guard let before = known(write.identifier) else { throw notRecorded(write.identifier) }
    let after = VariableSnapshot(
      VariableFacts(
        id: before.id, name: before.name, type: before.type,
        value: try write.value.converted(to: before.type), version: before.version &+ 1,
        revision: before.revision &+ 1, updatedAt: before.updatedAt, writer: before.writer,
        constraintsJSON: before.constraintsJSON, metadata: before.metadata))
    state.withLock { $0.known[after.name] = after }
    return after
  }

  func setAll(_ writes: [VariableWrite]) throws -> [VariableSnapshot] {
    switch recorded(.setAll(writes))?.answer {
    case .variables(let snapshots): return snapshots
    case .failure(let error): throw error
    default: return try writes.map(written)
    }
  }

  func create(_ variable: NewVariable) throws -> VariableSnapshot {
    try self.variable(.create(variable)) { try created(variable) }
  }

  private func created(_ variable: NewVariable) throws -> VariableSnapshot {
    let after = VariableSnapshot(
      VariableFacts(
        id: "var_\(variable.name)_0", name: variable.name, type: variable.type,
        value: try variable.value.converted(to: variable.type), version: 1, revision: 1,
        updatedAt: 0, writer: "", constraintsJSON: variable.constraintsJSON,
        metadata: variable.metadata))
    state.withLock { $0.known[after.name] = after }
    return after
  }

  func remove(_ identifier: String) throws {
    if case .failure(let error)? = recorded(.remove(identifier))?.answer { throw error }
  }

  func preview(_ change: PendingChange) throws -> VariableSnapshot? {
    switch recorded(.preview(change))?.answer {
    case .variable(let snapshot): return snapshot
    case .failure(let error): throw error
    case .done: return nil
    default: break
    }
    switch change.action {
    case .check: return known(change.identifier)
    case .write(let value): return try written(VariableWrite(change.identifier, value))
    case .create(let variable), .replace(let variable): return try created(variable)
    case .remove: return nil
    }
  }

  func commit(_ changes: [PendingChange]) throws {
    if case .failure(let error)? = recorded(.commit(changes))?.answer { throw error }
  }

  /// Its lines are compared with nothing.
  func log(_ level: Logger.Level, _ message: String, from call: ToolCall) {}

  /// Sessions outlive the calls of a record.
  func whenSessionEnds(_ body: @escaping @Sendable () -> Void) { _ = recorded(.whenSessionEnds) }

  // MARK: Watches

  func watch(
    _ identifiers: [String], initial: Bool,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) throws -> any VariableSubscription {
    let found = recorded(.watch(0, identifiers, initial: initial))
    if case .failure(let error)? = found?.answer { throw error }
    let subscription = ReplaySubscription(condition)
    guard case .watch(let number, _, _)? = found?.request else { return subscription }
    let batches = state.withLock { state -> [(after: Int, changes: [VariableChange])] in
      var made = 0
      var batches: [(Int, [VariableChange])] = []
      for event in state.events {
        switch event {
        case .asked: made += 1
        case .changes(number, let changes): batches.append((made, changes))
        default: break
        }
      }
      return batches
    }
    if batches.isEmpty { return subscription }
    let isStarted = startThread(named: "replay-watch") { [self] in
      for batch in batches {
        guard wait(for: batch.after, subscription) else { return }
        switch deliver(batch.changes) {
        case .goOn: break
        case .pause: subscription.pause()
        case .end: return
        }
      }
    }
    guard isStarted else { throw SessionError(.limitReached, "the system has no more threads") }
    return subscription
  }

  /// A tool that does not ask for what it had asked for may wait for the changes first: after so long
  /// without a request it gets them. Nanoseconds.
  private static let patience: Int64 = 200_000_000

  /// Waits until so many requests were made, or none is for a while.
  ///
  /// - Returns: false when nobody wants the changes any more.
  private func wait(for made: Int, _ subscription: ReplaySubscription) -> Bool {
    condition.withLock {
      var last = -1
      var limit = MonotonicClock.now
      while true {
        let (now, isOver) = state.withLock { ($0.made, $0.isOver) }
        if isOver || subscription.isCancelled { return false }
        if now != last { (last, limit) = (now, MonotonicClock.now + Self.patience) }
        if !subscription.isPaused && now >= made { return true }
        if subscription.isPaused {
          condition.wait()
        } else if !condition.wait(until: limit) && MonotonicClock.now >= limit {
          return true
        }
      }
    }
  }

  // MARK: Other tools

  func start(
    _ tool: String, arguments: [any ArgumentSource], metadata: VariableMetadata, deadline: Int64?,
    isStreaming: Bool, from caller: ToolCall, waits: Bool, observer: any ToolCallObserver
  ) throws -> ToolCall {
    let given = arguments.compactMap { $0 as? GivenArgument }
    let found = recorded(
      .start(
        0,
        RecordedCall.NestedCall(
          tool: tool, arguments: given, metadata: metadata, isStreaming: isStreaming)))
    if case .failure(let error)? = found?.answer { throw error }
    guard case .start(let number, _)? = found?.request else {
      throw ToolsError(.toolNotFound, "the record does not tell of a call of \(tool)")
    }
    let nested = ReplayedTool(
      tool, state.withLock { $0.events }.filter { $0.nestedCall == number })
    let callee = ToolCall(
      of: nested.description,
      ToolCall.Request(
        arguments: Arguments(checked: []), isStreaming: isStreaming,
        depth: caller.request.depth + 1),
      services: self, threads: threads, observer: observer)
    if waits {
      callee.run(nested)
    } else if !startThread(named: "replay-call", { callee.run(nested) }) {
      callee.finish(
        .failure(ToolFailure(code: 8, message: "the system has no more threads", type: "limit")))
    }
    return callee
  }
}

/// A watch of a replayed call.
private final class ReplaySubscription: VariableSubscription {
  private let condition: Condition
  private let state = Locked((isPaused: false, resumes: 0, isCancelled: false))

  init(_ condition: Condition) { self.condition = condition }

  var isPaused: Bool { state.withLock { $0.isPaused } }
  var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// A resume may come before the answer that asks for the pause.
  func pause() {
    state.withLock { state in
      if state.resumes > 0 { state.resumes -= 1 } else { state.isPaused = true }
    }
  }

  func resume() {
    condition.withLock {
      state.withLock { state in
        if state.isPaused { state.isPaused = false } else { state.resumes += 1 }
      }
      condition.broadcast()
    }
  }

  func cancel() {
    condition.withLock {
      state.withLock { $0.isCancelled = true }
      condition.broadcast()
    }
  }
}

/// A call of another tool, as the record tells of it.
private final class ReplayedTool: Tool {
  let description: ToolDescription
  private let events: [RecordedCall.Event]

  init(_ name: String, _ events: [RecordedCall.Event]) {
    description = ToolDescription(name: name, description: "", parameters: [], plugin: "")
    self.events = events
  }

  func run(_ call: ToolCall) {
    for event in events {
      switch event {
      case .nestedChunk(_, let chunk):
        while call.emit(chunk) == .full, call.waitForRoom() == nil {}
      case .nestedProgress(_, let fraction, let message): _ = call.progress(fraction, message)
      case .nestedEnd(_, let outcome):
        for entry in outcome.metadata.entries { call.annotate(entry.key, entry.value) }
        if let blob = outcome.binaryResult { call.setBinaryResult(blob) }
        return call.finish(outcome.result)
      default: break
      }
    }
    // The record ends before the call did: so does the tool's wait for it.
    call.finish(
      .failure(
        ToolFailure(
          code: 14, message: "the record does not tell how \(description.name) has ended",
          type: "not_recorded")))
  }
}

extension RecordedCall.Event {
  /// The call of another tool that it is of.
  fileprivate var nestedCall: Int? {
    switch self {
    case .nestedChunk(let call, _), .nestedProgress(let call, _, _), .nestedEnd(let call, _): call
    default: nil
    }
  }
}
