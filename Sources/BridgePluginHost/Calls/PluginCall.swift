internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import Synchronization
internal import Threads

/// A call as a plugin has it: its handles, and what these point to.
///
/// Thread-safe.
final class PluginCall: Sendable {
  let call: ToolCall
  let instance: PluginInstance
  private let state = Locked(State())

  // @unchecked: handles are numbers in the shape of pointers.
  private struct State: @unchecked Sendable {
    /// The tool is done: the plugin is given nothing more that the call would have to keep.
    var isEnding = false
    var handle: OpaquePointer?
    /// Set once the plugin has retained the call.
    var token: OpaquePointer?
    /// Arguments whose views the plugin may still read, by their place among the call's. The first one has
    /// a place of its own: most tools read one.
    var argument: (place: Int, storage: ValueStorage)?
    var otherArguments: [(place: Int, storage: ValueStorage)] = []
    /// Nil in most calls.
    var extras: Extras?

    /// What is to be ended with the call.
    func takeCallbacks() -> Callbacks? {
      guard let extras else { return nil }
      defer { extras.callbacks = Callbacks() }
      return extras.callbacks
    }

    /// Those of this call, made when they are asked for first.
    mutating func withExtras() -> Extras {
      if let extras { return extras }
      let new = Extras()
      extras = new
      return new
    }
  }

  /// What few calls have.
  // @unchecked: guarded by the call's lock.
  private final class Extras: @unchecked Sendable {
    /// Texts whose views the plugin may still read.
    var texts: [String: ValueStorage] = [:]
    var snapshots: [OpaquePointer] = []
    var callbacks = Callbacks()
    /// What the plugin keeps for the session, once the call has seen it.
    var kept: PluginState?
    /// The last failure of each thread, for `last_error`.
    var lastErrors: [UInt: LastError] = [:]
  }

  /// What may call the plugin beside its tool's function.
  // @unchecked: handles are numbers in the shape of pointers.
  private struct Callbacks: @unchecked Sendable {
    var watches: [OpaquePointer: PluginWatch] = [:]
    var listeners: [OpaquePointer: CancellationListener] = [:]
    var invocations: [OpaquePointer: Invocation] = [:]
  }

  init(_ call: ToolCall, of instance: PluginInstance) {
    self.call = call
    self.instance = instance
  }

  var services: any CallServices { call.services }

  // MARK: Views handed to the plugin

  func parameter(_ name: bridge_str) -> bridge_value? {
    let entries = call.request.arguments.entries
    guard let place = entries.firstIndex(where: { name.isEqual($0.name) }) else { return nil }
    return state.withLock { state in
      if let known = state.argument, known.place == place { return known.storage.view }
      if let known = state.otherArguments.first(where: { $0.place == place }) {
        return known.storage.view
      }
      let storage = ValueStorage(entries[place].value)
      if state.argument == nil {
        state.argument = (place, storage)
      } else {
        state.otherArguments.append((place, storage))
      }
      return storage.view
    }
  }

  /// A text that stays in place until the call ends.
  func text(_ text: String) -> bridge_str {
    state.withLock { state in
      let extras = state.withExtras()
      let storage = extras.texts[text] ?? ValueStorage(.bytes(Array(text.utf8)))
      extras.texts[text] = storage
      return storage.view.as.text
    }
  }

  /// - Returns: false when the call is ending and keeps nothing more.
  func keep(snapshot handle: OpaquePointer) -> Bool {
    state.withLock { state in
      if state.isEnding { return false }
      state.withExtras().snapshots.append(handle)
      return true
    }
  }

  func forget(snapshot handle: OpaquePointer) {
    state.withLock { state in
      guard let extras = state.extras, let index = extras.snapshots.lastIndex(of: handle) else {
        return
      }
      extras.snapshots.remove(at: index)
    }
  }

  /// - Returns: false when the call is ending and keeps nothing more.
  func keep(watch: PluginWatch, handle: OpaquePointer) -> Bool {
    state.withLock { state in
      if state.isEnding { return false }
      state.withExtras().callbacks.watches[handle] = watch
      return true
    }
  }

  func forget(watch handle: OpaquePointer) {
    state.withLock { $0.extras?.callbacks.watches[handle] = nil }
  }

  /// Tells the listener at once when the call is cancelled already.
  ///
  /// - Returns: false when the call is ending and keeps nothing more.
  func keep(listener: CancellationListener, handle: OpaquePointer) -> Bool {
    let isKept = state.withLock { state in
      if state.isEnding { return false }
      state.withExtras().callbacks.listeners[handle] = listener
      return true
    }
    if isKept {
      let number = call.onCancel { [weak listener] in listener?.tell($0) }
      listener.number.store(number ?? 0, ordering: .releasing)
    }
    return isKept
  }

  func forget(listener handle: OpaquePointer) {
    state.withLock { $0.extras?.callbacks.listeners[handle] = nil }
  }

  /// - Returns: false when the call is ending and keeps nothing more.
  func keep(invocation: Invocation, handle: OpaquePointer) -> Bool {
    state.withLock { state in
      if state.isEnding { return false }
      state.withExtras().callbacks.invocations[handle] = invocation
      return true
    }
  }

  func forget(invocation handle: OpaquePointer) {
    state.withLock { $0.extras?.callbacks.invocations[handle] = nil }
  }

  // MARK: What the plugin keeps for the session

  /// What is kept; it stays until the call has ended.
  var kept: PluginState? {
    if let kept = state.withLock({ $0.extras?.kept }) { return kept }
    guard let kept = instance.states[services] else { return nil }
    state.withLock { $0.withExtras().kept = kept }
    return kept
  }

  /// Keeps something, unless something is kept already.
  func keep(
    _ value: UnsafeMutableRawPointer?, _ release: bridge_release?
  ) -> (state: PluginState, isNew: Bool) {
    if let kept { return (kept, false) }
    let result = instance.states.keep(value, release, for: services)
    state.withLock { $0.withExtras().kept = result.state }
    return result
  }

  // MARK: Errors of functions the tool calls

  func note(_ error: LastError) {
    state.withLock { $0.withExtras().lastErrors[CurrentThread.id] = error }
  }

  var lastError: LastError? { state.withLock { $0.extras?.lastErrors[CurrentThread.id] } }

  // MARK: The end

  /// Lets the call outlive its function.
  ///
  /// - Returns: The token that completes it; nil when there is one already.
  func retain() -> OpaquePointer? {
    state.withLock { state in
      guard state.token == nil, !state.isEnding else { return nil }
      state.token = Handles.tokens.insert(self)
      return state.token
    }
  }

  /// Runs the function of a tool as this call, and ends the call unless the plugin retained it.
  ///
  /// - Parameter looks: As of `PluginCode.run`.
  func run(_ tool: bridge_tool, looks: Bool) {
    let handle = Handles.calls.insert(self)
    state.withLock { $0.handle = handle }
    // An event loop cannot be replaced.
    var report =
      call.mayBlock
      ? PluginCode.Report(
        abandoned: { context in
          guard let context else { return }
          Unmanaged<PluginCall>.fromOpaque(context).takeUnretainedValue().endAbandoned()
        }, self)
      : PluginCode.Report()
    let status = instance.inspecting(.tool, of: call) {
      PluginCode.run(tool, handle, looks: looks, &report)
    }
    if report.changedBits != 0 { instance.tellChanges(report.changedBits, in: call.tool.name) }
    if let exception = report.exception {
      let failure =
        report.endedThread
        ? endedThread
        : ToolFailure(
          code: bridge_status(BRIDGE_INTERNAL),
          message: "an exception left \(call.tool.name): \(exception)", type: "plugin_exception")
      return end(failure)
    }
    let token = state.withLock { $0.token }
    if status == bridge_status(BRIDGE_PENDING) {
      // Its token ends the call, or has ended it on another thread already.
      if token != nil { return }
      call.setFailure(
        ToolFailure(
          code: bridge_status(BRIDGE_INTERNAL),
          message: "\(call.tool.name) answered BRIDGE_PENDING without retaining its call",
          type: "plugin_error"))
      end(bridge_status(BRIDGE_INTERNAL))
      return
    }
    // A token left behind by a tool that ended anyway finds nothing.
    if let token { Handles.tokens.remove(token) }
    end(status)
  }

  /// Ends the call of a tool that has ended its thread; the thread waits for ever.
  private func endAbandoned() {
    call.loseThread()
    end(endedThread)
    instance.leave()
  }

  private var endedThread: ToolFailure {
    ToolFailure(
      code: bridge_status(BRIDGE_INTERNAL),
      message: PluginCode.endOfThread(by: call.tool.name), type: "plugin_error")
  }

  /// Ends the call of a tool that did not return, with or without a token left behind.
  private func end(_ failure: ToolFailure) {
    Handles.tokens.remove(state.withLock(\.token))
    call.setFailure(failure)
    end(failure.code)
  }

  /// Ends the call; its handle is stale from here on.
  func end(_ status: bridge_status) {
    let (handle, callbacks) = state.withLock { state in
      state.isEnding = true
      return (state.handle, state.takeCallbacks())
    }
    // First the callbacks: one that runs may still use the call, and is waited for.
    if let callbacks { end(callbacks) }
    Handles.calls.remove(handle)
    // The call's handle is stale. Not under the lock: what is kept may go with the last reference.
    let extras = state.withLock { $0.extras }
    var kept: PluginState?
    if let extras { kept = letGo(of: extras) }
    defer { withExtendedLifetime(kept) {} }
    if status == .ok { call.finish() } else { call.fail(failure(of: status)) }
  }

  /// - Returns: What the plugin keeps for the session: let go of once the call has ended.
  private func letGo(of extras: Extras) -> PluginState? {
    let (snapshots, kept) = state.withLock { _ in
      defer { (extras.snapshots, extras.kept) = ([], nil) }
      return (extras.snapshots, extras.kept)
    }
    for snapshot in snapshots { Handles.snapshots.remove(snapshot) }
    return kept
  }

  private func end(_ callbacks: Callbacks) {
    let (watches, listeners, invocations) = (
      callbacks.watches, callbacks.listeners, callbacks.invocations
    )
    // All are shut before one is waited for, so that none begins meanwhile.
    for (handle, watch) in watches {
      Handles.watches.remove(handle)
      watch.stop()
    }
    for (handle, listener) in listeners {
      Handles.listeners.remove(handle)
      call.removeListener(listener.number.load(ordering: .acquiring))
      listener.gate.shut()
    }
    for (handle, invocation) in invocations {
      Handles.invocations.remove(handle)
      invocation.gate.shut()
    }
    for watch in watches.values { watch.end() }
    for listener in listeners.values { listener.gate.close() }
    for invocation in invocations.values { invocation.end() }
  }

  /// The failure of a tool that gave a status and no more.
  private func failure(of status: bridge_status) -> ToolFailure {
    let name = call.tool.name
    if let reason = ToolCall.Cancellation(rawValue: status) {
      return ToolFailure(reason, tool: name)
    }
    // As a rule it passes on what one of the host's functions answered it.
    let cause = state.withLock { $0.extras?.lastErrors.values.first { $0.code == status } }
    if let cause {
      return ToolFailure(
        code: status, message: "\(name) failed: \(String(decoding: cause.message, as: UTF8.self))",
        type: "tool_error", isRetryable: cause.isRetryable)
    }
    return ToolFailure(
      code: (2...16).contains(status) ? status : bridge_status(BRIDGE_UNKNOWN),
      message: "\(name) failed with status \(status) and no message", type: "tool_error")
  }
}

/// A failure as `last_error` hands it out: its texts stay in place.
final class LastError: Sendable {
  let code: bridge_status
  let message: [UInt8]
  let type: [UInt8]

  /// Whether the same may succeed a little later.
  var isRetryable: Bool {
    code == bridge_status(BRIDGE_ABORTED) || code == bridge_status(BRIDGE_UNAVAILABLE)
  }

  /// Valid as long as this object.
  var view: bridge_error {
    var error = bridge_error()
    error.size = UInt32(MemoryLayout<bridge_error>.size)
    if isRetryable { error.flags = UInt32(BRIDGE_ERROR_RETRYABLE) }
    error.code = code
    error.message = message.abiView
    error.type = type.abiView
    return error
  }

  init(_ code: bridge_status, _ message: String, type: String = "") {
    self.code = code
    self.message = Array(message.utf8)
    self.type = Array(type.utf8)
  }
}
