public import BridgeSessions
internal import BridgePluginABI
internal import Logging
internal import Threads

/// One call of a tool, from its start to its outcome.
///
/// Thread-safe. The tool reaches it through the ABI, by handle; the service cancels it and tells it
/// of room for chunks.
// @unchecked: `state` is guarded by the condition's lock.
public final class ToolCall: @unchecked Sendable {
  public let tool: any Tool
  public let session: Session
  public let arguments: Arguments
  public let metadata: [String: String]
  /// Nanoseconds of the monotonic clock; nil without a deadline.
  public let deadline: Int64?
  /// Whether chunks go anywhere.
  public let isStreaming: Bool
  let environment: CallEnvironment

  private let condition = Condition()
  private var state = State()

  /// What a call uses of its host.
  struct CallEnvironment: Sendable {
    let logger: Logger
    /// Runs callbacks of watches.
    let callbacks: WorkerPool
    /// Tells listeners of cancellations: apart from watches, whose callbacks may wait for one.
    let cancellations: WorkerPool
  }

  /// Why a call must end.
  public enum Cancellation: Int32, Sendable {
    case cancelled = 1
    case deadlineExceeded = 4
  }

  private struct State {
    /// Nil once the call has ended: an observer usually holds its call.
    var observer: (any ToolCallObserver)?
    var cancellation: Cancellation?
    var isFinished = false
    /// The tool is done: the plugin is given nothing more that the call would have to keep.
    var isEnding = false
    var handle: OpaquePointer?
    /// Set once the plugin has retained the call.
    var token: OpaquePointer?
    var hasRoom = true
    var result = ToolValue.null
    var binaryResult: [UInt8] = []
    var annotations: [String: String] = [:]
    var failure: ToolFailure?
    /// Values whose views the plugin may still read.
    var parameters: [String: ValueStorage] = [:]
    var texts: [String: ValueStorage] = [:]
    var snapshots: [OpaquePointer] = []
    var watches: [OpaquePointer: ToolWatch] = [:]
    var listeners: [OpaquePointer: CancellationListener] = [:]
    /// The last failure of each thread, for `last_error`.
    var lastErrors: [UInt: LastError] = [:]
  }

  init(
    tool: any Tool, session: Session, arguments: Arguments, metadata: [String: String],
    deadline: Int64?, isStreaming: Bool, environment: CallEnvironment,
    observer: any ToolCallObserver
  ) {
    self.tool = tool
    self.session = session
    self.arguments = arguments
    self.metadata = metadata
    self.deadline = deadline
    self.isStreaming = isStreaming
    self.environment = environment
    state.observer = observer
    session.beginUse()
  }

  private func withState<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    try condition.withLock { try body(&state) }
  }

  // MARK: From the service

  /// Asks the tool to end: its listeners are told, and it hears of it at its next look.
  public func cancel(_ reason: Cancellation) {
    withState { state in
      if state.cancellation == nil { cancel(&state, reason) }
    }
  }

  private func cancel(_ state: inout State, _ reason: Cancellation) {
    state.cancellation = reason
    condition.broadcast()
    for listener in state.listeners.values { tell(listener, reason) }
  }

  private func tell(_ listener: CancellationListener, _ reason: Cancellation) {
    // The pool refuses only while it stops, with the whole host.
    _ = environment.cancellations.submit { listener.tell(reason) }
  }

  /// There is room for chunks again.
  public func roomIsAvailable() {
    withState { state in
      state.hasRoom = true
      condition.broadcast()
    }
  }

  // MARK: Time

  /// Why the call must end, if it must.
  public var cancellation: Cancellation? {
    withState { checked(&$0) }
  }

  private func checked(_ state: inout State) -> Cancellation? {
    if state.cancellation == nil, let deadline, MonotonicClock.now >= deadline {
      cancel(&state, .deadlineExceeded)
    }
    return state.cancellation
  }

  /// Waits for a moment, a cancellation, or `isDone`.
  private func wait(until moment: Int64?, _ isDone: (State) -> Bool) -> Cancellation? {
    condition.withLock {
      while true {
        if let cancellation = checked(&state) { return cancellation }
        if isDone(state) { return nil }
        let now = MonotonicClock.now
        if let moment, now >= moment { return nil }
        if let end = [moment, deadline].compactMap({ $0 }).min() {
          _ = condition.wait(until: end)
        } else {
          condition.wait()
        }
      }
    }
  }

  func sleep(nanoseconds: Int64) -> Cancellation? {
    let (end, overflow) = MonotonicClock.now.addingReportingOverflow(max(0, nanoseconds))
    return wait(until: overflow ? nil : end) { _ in false }
  }

  func waitForRoom() -> Cancellation? {
    wait(until: nil) { $0.hasRoom }
  }

  // MARK: Answers of the tool

  func progress(_ fraction: Double, _ message: String) -> Cancellation? {
    withState(\.observer)?.progressed(fraction.isNaN ? 0 : min(max(fraction, 0), 1), message)
    return cancellation
  }

  func setResult(_ value: ToolValue) { withState { $0.result = value } }

  func setBinaryResult(_ bytes: [UInt8]) { withState { $0.binaryResult = bytes } }

  func annotate(_ key: String, _ value: String) { withState { $0.annotations[key] = value } }

  func fail(_ failure: ToolFailure) { withState { $0.failure = failure } }

  enum Emission {
    case taken
    case full
    case cancelled(Cancellation)
  }

  func emit(_ chunk: ToolValue) -> Emission {
    let refusal = withState { state -> Emission? in
      if let cancellation = checked(&state) { return .cancelled(cancellation) }
      if !state.hasRoom { return .full }
      // Set before the chunk goes out: room may be announced before `emitted` returns.
      state.hasRoom = false
      return nil
    }
    if let refusal { return refusal }
    if withState(\.observer)?.emitted(chunk) != false { roomIsAvailable() }
    return .taken
  }

  // MARK: Views handed to the plugin

  func parameter(_ name: String) -> bridge_value? {
    guard let value = arguments.values[name] else { return nil }
    return withState { state in
      if let storage = state.parameters[name] { return storage.view }
      let storage = ValueStorage(value)
      state.parameters[name] = storage
      return storage.view
    }
  }

  /// A text that stays in place until the call ends.
  func text(_ text: String) -> bridge_str {
    withState { state in
      let storage = state.texts[text] ?? ValueStorage(.bytes(Array(text.utf8)))
      state.texts[text] = storage
      return storage.view.as.text
    }
  }

  /// - Returns: false when the call is ending and keeps nothing more.
  func keep(snapshot handle: OpaquePointer) -> Bool {
    withState { state in
      if state.isEnding { return false }
      state.snapshots.append(handle)
      return true
    }
  }

  func forget(snapshot handle: OpaquePointer) {
    withState { state in
      if let index = state.snapshots.lastIndex(of: handle) { state.snapshots.remove(at: index) }
    }
  }

  /// - Returns: false when the call is ending and keeps nothing more.
  func keep(watch: ToolWatch, handle: OpaquePointer) -> Bool {
    withState { state in
      if state.isEnding { return false }
      state.watches[handle] = watch
      return true
    }
  }

  func forget(watch handle: OpaquePointer) { withState { $0.watches[handle] = nil } }

  /// Tells the listener at once when the call is cancelled already.
  ///
  /// - Returns: false when the call is ending and keeps nothing more.
  func keep(listener: CancellationListener, handle: OpaquePointer) -> Bool {
    withState { state in
      if state.isEnding { return false }
      state.listeners[handle] = listener
      if state.cancellation == nil {
        // Tells it, too, when the deadline has passed just now.
        _ = checked(&state)
      } else if let reason = state.cancellation {
        tell(listener, reason)
      }
      return true
    }
  }

  func forget(listener handle: OpaquePointer) { withState { $0.listeners[handle] = nil } }

  // MARK: Errors of functions the tool calls

  func note(_ error: LastError) { withState { $0.lastErrors[CurrentThread.id] = error } }

  var lastError: LastError? { withState { $0.lastErrors[CurrentThread.id] } }

  // MARK: The end

  /// Lets the call outlive its function.
  ///
  /// - Returns: The token that completes it; nil when there is one already.
  func retain() -> OpaquePointer? {
    withState { state in
      guard state.token == nil, !state.isFinished else { return nil }
      state.token = Handles.tokens.insert(self)
      return state.token
    }
  }

  /// Runs a function of a plugin as this call, and ends the call unless the plugin retained it.
  func run(_ function: (_ call: OpaquePointer, _ variables: OpaquePointer) -> bridge_status) {
    if let cancellation {
      finish(status: cancellation.rawValue)
      return
    }
    let handle = Handles.calls.insert(self)
    withState { $0.handle = handle }
    let status = function(handle, handle)
    let token = withState { $0.token }
    if status == bridge_status(BRIDGE_PENDING) {
      // Its token ends the call, or has ended it on another thread already.
      if token != nil { return }
      fail(
        ToolFailure(
          code: bridge_status(BRIDGE_INTERNAL),
          message: "\(tool.description.name) answered BRIDGE_PENDING without retaining its call",
          type: "plugin_error"))
      end(bridge_status(BRIDGE_INTERNAL))
      return
    }
    // A token left behind by a tool that ended anyway finds nothing.
    Handles.tokens.remove(token)
    end(status)
  }

  /// Ends the call; its handle is stale from here on.
  func end(_ status: bridge_status) {
    // First the callbacks: one that runs may still use the call, and is waited for.
    endCallbacks()
    Handles.calls.remove(withState { $0.handle })
    finish(status: status)
  }

  private func endCallbacks() {
    let (watches, listeners) = withState { state in
      state.isEnding = true
      defer { (state.watches, state.listeners) = ([:], [:]) }
      return (state.watches, state.listeners)
    }
    // All are shut before one is waited for, so that none begins meanwhile.
    for (handle, watch) in watches {
      Handles.watches.remove(handle)
      watch.stop()
    }
    for (handle, listener) in listeners {
      Handles.listeners.remove(handle)
      listener.gate.shut()
    }
    for watch in watches.values { watch.end() }
    for listener in listeners.values { listener.gate.close() }
  }

  /// Ends the call.
  ///
  /// - Parameter status: 0, or the code the tool failed with.
  func finish(status: Int32) {
    let last = withState { state -> State? in
      guard !state.isFinished else { return nil }
      state.isFinished = true
      defer {
        state.snapshots = []
        state.observer = nil
      }
      return state
    }
    guard var last else { return }
    let outcome = outcome(status, &last)
    for snapshot in last.snapshots { Handles.snapshots.remove(snapshot) }
    session.endUse()
    last.observer?.finished(outcome)
  }

  private func outcome(_ status: Int32, _ state: inout State) -> ToolOutcome {
    let result: Result<ToolValue, ToolFailure>
    if status == 0 {
      result = .success(state.result)
    } else if let failure = state.failure {
      result = .failure(failure)
    } else {
      result = .failure(defaultFailure(status, state))
    }
    return ToolOutcome(
      result: result, binaryResult: state.binaryResult, metadata: state.annotations)
  }

  /// The failure of a tool that gave a status and no more.
  private func defaultFailure(_ status: Int32, _ state: State) -> ToolFailure {
    let name = tool.description.name
    return switch status {
    case 1: ToolFailure(code: 1, message: "\(name) was cancelled", type: "cancelled")
    case 4: ToolFailure(code: 4, message: "\(name) ran into its deadline", type: "deadline")
    default:
      // As a rule it passes on what one of the host's functions answered it.
      if let cause = state.lastErrors.values.first(where: { $0.code == status }) {
        ToolFailure(
          code: status,
          message: "\(name) failed: \(String(decoding: cause.message, as: UTF8.self))",
          type: "tool_error", isRetryable: cause.isRetryable)
      } else {
        ToolFailure(
          code: (2...16).contains(status) ? status : 2,
          message: "\(name) failed with status \(status) and no message", type: "tool_error")
      }
    }
  }
}

/// A failure as `last_error` hands it out: its texts stay in place.
final class LastError: Sendable {
  let code: bridge_status
  /// Whether the same may succeed a little later.
  var isRetryable: Bool {
    code == bridge_status(BRIDGE_ABORTED) || code == bridge_status(BRIDGE_UNAVAILABLE)
  }
  let message: [UInt8]
  let type: [UInt8]

  init(_ code: bridge_status, _ message: String, type: String = "") {
    self.code = code
    self.message = Array(message.utf8)
    self.type = Array(type.utf8)
  }
}
