internal import BridgeSessions
internal import BridgeTools
internal import Glibc
internal import Logging
internal import Threads

/// Takes down one call.
///
/// Thread-safe. A call that does more than is kept goes on, and its record says that it is cut.
final class RecordingTape: CallTape, Sendable {
  private let inner: any ToolCallObserver
  private let ended: @Sendable (RecordedCall) -> Void
  private let start = MonotonicClock.now
  private let state: Locked<State>

  private struct State {
    var call: RecordedCall
    var lastNumber = 0
    var byteCount = 0
    var isOver = false
    weak var running: ToolCall?
  }

  /// More events of a call are not kept.
  static let eventLimit = 10_000
  /// Nor more bytes of values.
  static let byteLimit = 64 << 20
  /// Nor a larger value, which would have to be copied.
  static let valueLimit = 16 << 20

  /// - Parameter ended: Hears of the call once it has ended, on the thread that ends it.
  init(
    _ tool: ToolDescription, _ request: ToolCall.Request, session: String,
    observer: any ToolCallObserver, ended: @escaping @Sendable (RecordedCall) -> Void
  ) {
    inner = observer
    self.ended = ended
    let start = start
    var call = RecordedCall(
      tool: tool.name, plugin: tool.plugin,
      arguments: [], metadata: request.metadata,
      timeLeft: request.deadline.map { $0 - start }, isStreaming: request.isStreaming,
      depth: request.depth)
    call.session = session
    call.startedAt = Self.wallClock
    state = Locked(State(call: call))
    let arguments = request.arguments.entries.map { ($0.name, kept($0.value)) }
    state.withLock { $0.call.arguments = arguments }
  }

  private static var wallClock: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  var observer: any ToolCallObserver { TapeObserver(self, inner) }

  func services(over services: any CallServices) -> any CallServices {
    state.withLock { $0.call.epoch = services.sessionEpoch }
    return RecordingServices(services, self)
  }

  func begins(_ call: ToolCall) { state.withLock { $0.running = call } }

  // MARK: What is kept

  /// A value in memory of the record's own.
  func kept(_ value: ToolValue) -> ToolValue {
    let count = value.heldBytes
    let isKept = state.withLock { state in
      state.byteCount += count
      if count <= Self.valueLimit && state.byteCount <= Self.byteLimit { return true }
      state.call.obstacle = state.call.obstacle ?? "a value of \(count) bytes was cut"
      return false
    }
    return isKept ? value.owned : .null
  }

  func kept(_ outcome: ToolOutcome) -> ToolOutcome {
    var outcome = outcome
    outcome.result = outcome.result.map(kept)
    if let blob = outcome.binaryResult {
      guard case .bytes(let bytes) = kept(.donated(DonatedValue(.bytes, blob))) else {
        outcome.binaryResult = nil
        return outcome
      }
      outcome.binaryResult = Blob(bytes)
    }
    return outcome
  }

  func kept(_ write: VariableWrite) -> VariableWrite {
    var write = write
    write.value = kept(write.value)
    return write
  }

  func kept(_ variable: NewVariable) -> NewVariable {
    var variable = variable
    variable.value = kept(variable.value)
    return variable
  }

  func kept(_ change: PendingChange) -> PendingChange {
    var change = change
    switch change.action {
    case .check, .remove: break
    case .write(let value): change.action = .write(kept(value))
    case .create(let variable): change.action = .create(kept(variable))
    case .replace(let variable): change.action = .replace(kept(variable))
    }
    return change
  }

  // MARK: Events

  /// A number for a watch or a call of another tool.
  func nextNumber() -> Int {
    state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
  }

  func add(_ event: RecordedCall.Event) { _ = append(event) }

  private func append(_ event: RecordedCall.Event) -> Int? {
    state.withLock { state in
      if state.isOver { return nil }
      guard state.call.events.count < Self.eventLimit else {
        state.call.obstacle =
          state.call.obstacle ?? "only its first \(Self.eventLimit) events were kept"
        return nil
      }
      state.call.events.append(event)
      return state.call.events.count - 1
    }
  }

  /// Takes down what is asked, and what it is answered.
  func ask<Result>(
    _ request: RecordedCall.Request, _ answer: (Result) -> RecordedCall.Answer,
    _ body: () throws -> Result
  ) throws -> Result {
    let began = MonotonicClock.now
    let place = append(.asked(request, .none, at: began - start, took: 0))
    do {
      let result = try body()
      end(place, request, answer(result), began)
      return result
    } catch {
      end(place, request, .failure(error), began)
      throw error
    }
  }

  private func end(
    _ place: Int?, _ request: RecordedCall.Request, _ answer: RecordedCall.Answer, _ began: Int64
  ) {
    let took = MonotonicClock.now - began
    state.withLock { state in
      state.call.hostTook += took
      guard let place, !state.isOver else { return }
      state.call.events[place] = .asked(request, answer, at: began - start, took: took)
    }
  }

  func finish(_ outcome: ToolOutcome) {
    let outcome = kept(outcome)
    let wasCancelled = state.withLock(\.running)?.cancellation != nil
    let call = state.withLock { state in
      state.call.wasCancelled = wasCancelled
      state.isOver = true
      state.call.outcome = outcome
      state.call.took = MonotonicClock.now - start
      defer { state.call.events = [] }
      return state.call
    }
    ended(call)
  }
}

/// Hands on what happens in a call, and takes it down.
private final class TapeObserver: ToolCallObserver {
  private let tape: RecordingTape
  private let inner: any ToolCallObserver

  init(_ tape: RecordingTape, _ inner: any ToolCallObserver) {
    self.tape = tape
    self.inner = inner
  }

  func emitted(_ chunk: ToolValue) -> Bool {
    tape.add(.chunk(tape.kept(chunk)))
    return inner.emitted(chunk)
  }

  func progressed(_ fraction: Double, _ message: String) {
    tape.add(.progress(fraction, message))
    inner.progressed(fraction, message)
  }

  func finished(_ outcome: ToolOutcome) {
    // First the one who waits.
    inner.finished(outcome)
    tape.finish(outcome)
  }
}

/// Hands on what a tool asks for, and takes it down.
struct RecordingServices: CallServices {
  private let inner: any CallServices
  private let tape: RecordingTape

  init(_ inner: any CallServices, _ tape: RecordingTape) {
    self.inner = inner
    self.tape = tape
  }

  var sessionID: String { inner.sessionID }
  var sessionEpoch: String { inner.sessionEpoch }

  func get(_ identifier: String) throws -> VariableSnapshot {
    try tape.ask(.get(identifier), RecordedCall.Answer.variable) { try inner.get(identifier) }
  }

  func list(_ pattern: String) throws -> [VariableSnapshot] {
    try tape.ask(.list(pattern), RecordedCall.Answer.variables) { try inner.list(pattern) }
  }

  func set(_ write: VariableWrite) throws -> VariableSnapshot {
    try tape.ask(.set(tape.kept(write)), RecordedCall.Answer.variable) { try inner.set(write) }
  }

  func setAll(_ writes: [VariableWrite]) throws -> [VariableSnapshot] {
    try tape.ask(.setAll(writes.map(tape.kept)), RecordedCall.Answer.variables) {
      try inner.setAll(writes)
    }
  }

  func create(_ variable: NewVariable) throws -> VariableSnapshot {
    try tape.ask(.create(tape.kept(variable)), RecordedCall.Answer.variable) {
      try inner.create(variable)
    }
  }

  func remove(_ identifier: String) throws {
    try tape.ask(.remove(identifier), { .done }) { try inner.remove(identifier) }
  }

  func preview(_ change: PendingChange) throws -> VariableSnapshot? {
    try tape.ask(.preview(tape.kept(change)), { $0.map { .variable($0) } ?? .done }) {
      try inner.preview(change)
    }
  }

  func commit(_ changes: [PendingChange]) throws {
    try tape.ask(.commit(changes.map(tape.kept)), { .done }) { try inner.commit(changes) }
  }

  func watch(
    _ identifiers: [String], initial: Bool,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) throws -> any VariableSubscription {
    let number = tape.nextNumber()
    let tape = tape
    let subscription = try tape.ask(
      .watch(number, identifiers, initial: initial), { (_: any VariableSubscription) in .done }
    ) {
      try inner.watch(identifiers, initial: initial) { changes in
        tape.add(.changes(watch: number, changes))
        return deliver(changes)
      }
    }
    return TapedSubscription(subscription, number, tape)
  }

  func log(_ level: Logger.Level, _ message: String, from call: ToolCall) {
    tape.add(.log(level, message))
    inner.log(level, message, from: call)
  }

  func start(
    _ tool: String, arguments: [any ArgumentSource], metadata: VariableMetadata, deadline: Int64?,
    isStreaming: Bool, from caller: ToolCall, waits: Bool, observer: any ToolCallObserver
  ) throws -> ToolCall {
    let number = tape.nextNumber()
    let given = arguments.map { GivenArgument(name: $0.name, given: tape.kept(Self.value($0))) }
    let nested = RecordedCall.NestedCall(
      tool: tool, arguments: given, metadata: metadata, isStreaming: isStreaming)
    return try tape.ask(.start(number, nested), { (_: ToolCall) in .done }) {
      try inner.start(
        tool, arguments: arguments, metadata: metadata, deadline: deadline,
        isStreaming: isStreaming, from: caller, waits: waits,
        observer: NestedTape(observer, number, tape))
    }
  }

  private static func value(_ source: any ArgumentSource) -> ToolValue {
    if let given = source as? GivenArgument { return given.given }
    if let text = try? source.json() { return .json(text, .any) }
    return (try? source.bytes()).map { .bytes($0) } ?? .null
  }

  func whenSessionEnds(_ body: @escaping @Sendable () -> Void) {
    try? tape.ask(.whenSessionEnds, { .done }) { inner.whenSessionEnds(body) }
  }
}

private final class TapedSubscription: VariableSubscription {
  private let inner: any VariableSubscription
  private let number: Int
  private let tape: RecordingTape

  init(_ inner: any VariableSubscription, _ number: Int, _ tape: RecordingTape) {
    self.inner = inner
    self.number = number
    self.tape = tape
  }

  func resume() { inner.resume() }

  func cancel() {
    tape.add(.unwatched(watch: number))
    inner.cancel()
  }
}

/// Takes down what happens in a call of another tool.
private final class NestedTape: ToolCallObserver {
  private let inner: any ToolCallObserver
  private let number: Int
  private let tape: RecordingTape

  init(_ inner: any ToolCallObserver, _ number: Int, _ tape: RecordingTape) {
    self.inner = inner
    self.number = number
    self.tape = tape
  }

  func emitted(_ chunk: ToolValue) -> Bool {
    tape.add(.nestedChunk(call: number, tape.kept(chunk)))
    return inner.emitted(chunk)
  }

  func progressed(_ fraction: Double, _ message: String) {
    tape.add(.nestedProgress(call: number, fraction, message))
    inner.progressed(fraction, message)
  }

  func finished(_ outcome: ToolOutcome) {
    tape.add(.nestedEnd(call: number, tape.kept(outcome)))
    inner.finished(outcome)
  }
}

extension ToolValue {
  /// How many bytes it has beside itself.
  var heldBytes: Int {
    switch self {
    case .value(.string(let text), _): text.utf8.count
    case .value(.array(let array), _): array.bytes.count
    case .json(let bytes, _), .bytes(let bytes): bytes.count
    case .donated(let value): value.memory.count
    case .null, .value: 0
    }
  }
}
