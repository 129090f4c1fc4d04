internal import BridgePluginChannel
internal import BridgeSessions
internal import BridgeTools
internal import Synchronization
internal import Threads

/// A call of a tool whose plugin has a process of its own, from the moment it waits for that process on.
///
/// Thread-safe.
final class ChildCall: Sendable {
  /// Names the call on the channel.
  let number: UInt64
  let call: ToolCall
  /// The tool's place among those of its plugin.
  let tool: Int
  private let state = Locked(State())

  private struct State {
    var child: Child?
    var hasReturned = false
    var listener: UInt64?
    var isOver = false
    /// When it went to a process, of `MonotonicClock`.
    var began: Int64?
  }

  init(_ call: ToolCall, number: UInt64, tool: Int) {
    self.call = call
    self.number = number
    self.tool = tool
  }

  /// The call as the process is told it.
  var message: HostMessage.CallToRun {
    let request = call.request
    return HostMessage.CallToRun(
      number: number, tool: tool, sessionID: call.services.sessionID,
      sessionEpoch: call.services.sessionEpoch,
      arguments: request.arguments.entries.map { ($0.name, $0.value) },
      metadata: request.metadata, deadline: request.deadline, isStreaming: request.isStreaming,
      depth: request.depth)
  }

  /// Has this call hear of its cancellation.
  func listen() {
    let listener = call.onCancel { [weak self] reason in self?.cancelled(reason) }
    state.withLock { $0.listener = listener }
  }

  private func cancelled(_ reason: ToolCall.Cancellation) {
    if let child = state.withLock(\.child) {
      child.cancel(number, reason)
    } else {
      finish(.failure(ToolFailure(reason, tool: call.tool.name)))
    }
  }

  /// The call goes to a process.
  ///
  /// - Returns: false when it has ended while it waited.
  func begin(in child: Child) -> Bool {
    let isOver = state.withLock { state in
      if !state.isOver {
        state.child = child
        state.began = MonotonicClock.now
      }
      return state.isOver
    }
    return !isOver && call.cancellation == nil
  }

  /// How long it has been in a process, in nanoseconds; nil where it was not.
  var time: Int64? { state.withLock(\.began).map { MonotonicClock.now - $0 } }

  /// It could not go there: it waits again.
  func waitAgain() { state.withLock { ($0.child, $0.began) = (nil, nil) } }

  /// The tool's function has returned, or the call has ended.
  ///
  /// - Returns: Whether this is news.
  func returned() -> Bool {
    state.withLock { state in
      defer { state.hasReturned = true }
      return !state.hasReturned
    }
  }

  func emit(_ chunk: ToolValue, to child: Child) {
    // The process waits for room: `full` does not happen to one that keeps the rules.
    switch call.emit(chunk) {
    case .taken: call.whenRoom { [weak child, number] in child?.send(.room(call: number)) }
    case .full: child.kill("it has sent more chunks of \(call.tool.name) than it may")
    case .cancelled, .finished: break
    }
  }

  // MARK: What the tool asks for

  func serve(_ request: ServiceRequest, _ number: UInt64, for child: Child) {
    guard request.mayBlock else {
      return child.send(.reply(request: number, answer(request, number, child)))
    }
    call.serve {
      child.send(.reply(request: number, self.answer(request, number, child)))
    }
  }

  private func answer(
    _ request: ServiceRequest, _ number: UInt64, _ child: Child
  ) -> ServiceReply {
    let services = call.services
    do {
      switch request {
      case .get(let identifier): return .variable(try services.get(identifier))
      case .list(let pattern): return .variables(try services.list(pattern))
      case .set(let write): return .variable(try services.set(write))
      case .setAll(let writes): return .variables(try services.setAll(writes))
      case .create(let variable): return .variable(try services.create(variable))
      case .remove(let identifier): try services.remove(identifier)
      case .watch(let identifiers, let initial):
        try watch(identifiers, initial: initial, number, child)
      case .start(let nested): try start(nested, number, child)
      case .whenSessionEnds:
        services.whenSessionEnds { [weak child] in child?.send(.sessionEnded(request: number)) }
      }
      return .done
    } catch {
      return .failure(error)
    }
  }

  private func watch(
    _ identifiers: [String], initial: Bool, _ number: UInt64, _ child: Child
  ) throws {
    let watch = ChildWatch(number, for: child)
    child.keep(watch, as: number)
    do {
      try watch.start(call.services, identifiers, initial: initial)
    } catch {
      child.forgetWatch(number)
      throw error
    }
  }

  private func start(
    _ nested: ServiceRequest.NestedCall, _ number: UInt64, _ child: Child
  ) throws {
    let events = NestedEvents(number, for: child)
    let callee = try call.services.start(
      nested.tool, arguments: nested.arguments, metadata: nested.metadata,
      deadline: nested.deadline, isStreaming: nested.isStreaming, from: call, waits: false,
      observer: events)
    child.keep(nested: callee, as: number)
    if events.isOver { child.forgetNested(number) }
  }

  // MARK: The end

  /// Ends the call as its process says.
  func finish(_ outcome: ToolOutcome) {
    letGo()
    for entry in outcome.metadata.entries { call.annotate(entry.key, entry.value) }
    if let blob = outcome.binaryResult { call.setBinaryResult(blob) }
    switch outcome.result {
    case .success(let value):
      call.setResult(value)
      call.finish()
    case .failure(let failure): call.finish(.failure(failure))
    }
  }

  /// Ends the call with a failure of the host's own.
  func finish(_ result: Result<ToolValue, ToolFailure>) {
    letGo()
    call.finish(result)
  }

  private func letGo() {
    let listener = state.withLock { state in
      state.isOver = true
      defer { state.child = nil }
      return state.listener
    }
    call.removeListener(listener)
  }
}

/// Passes on what happens in a call of another tool.
private final class NestedEvents: ToolCallObserver {
  private weak let child: Child?
  private let number: UInt64
  private let hasEnded = Atomic<Bool>(false)

  init(_ number: UInt64, for child: Child) {
    self.number = number
    self.child = child
  }

  var isOver: Bool { hasEnded.load(ordering: .acquiring) }

  func emitted(_ chunk: ToolValue) -> Bool {
    child?.send(.nested(call: number, .chunk(chunk)))
    return false
  }

  func progressed(_ fraction: Double, _ message: String) {
    child?.send(.nested(call: number, .progress(fraction, message)))
  }

  func finished(_ outcome: ToolOutcome) {
    hasEnded.store(true, ordering: .releasing)
    child?.forgetNested(number)
    child?.send(.nested(call: number, .finished(outcome)))
  }
}
