internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import DequeModule
internal import Threads

/// A call of another tool, as the plugin that made it has it: delivers chunks and the end to its callbacks,
/// one at a time, and keeps the outcome.
///
/// Thread-safe.
// @unchecked: `state` is guarded; `handle` is set before others see this; the callbacks and `context` are the
// plugin's, which promises that they may be used from the host's threads.
final class Invocation: ToolCallObserver, @unchecked Sendable {
  let gate = CallbackGate()
  var handle: OpaquePointer?
  /// Weak: it ends with its caller.
  private(set) weak var caller: PluginCall?

  private let call: ToolCall
  private let instance: PluginInstance
  private let onChunk: bridge_on_chunk?
  private let onEnd: bridge_on_end?
  private let context: UnsafeMutableRawPointer?
  private let state = Locked(State())

  private struct State {
    /// The tool's call, once it has begun.
    var callee: ToolCall?
    /// Whether it is to be cancelled as soon as it has begun.
    var isOver = false
    var outcome: OutcomeStorage?
    var events: Deque<Event> = []
    var isDelivering = false
    /// Chunks that have not been delivered.
    var chunks = 0
  }

  /// For those who wait until all chunks are delivered.
  private let delivered = Condition()

  private enum Event {
    case chunk(ToolValue)
    case end
  }

  init(of caller: PluginCall, _ request: bridge_request) {
    self.caller = caller
    call = caller.call
    instance = caller.instance
    onChunk = request.on_chunk
    onEnd = request.on_end
    context = request.context
  }

  /// The call has begun; it may have ended already.
  func begin(_ callee: ToolCall) {
    let isOver = state.withLock { state in
      state.callee = callee
      return state.isOver
    }
    if isOver { callee.cancel(.cancelled) }
    // Chunks may have come before the call was known here.
    if state.withLock({ $0.events.isEmpty && !$0.isDelivering }) { callee.roomIsAvailable() }
  }

  // MARK: From the tool

  func emitted(_ chunk: ToolValue) -> Bool {
    guard onChunk != nil else { return true }
    state.withLock { $0.chunks += 1 }
    add(.chunk(chunk))
    return false
  }

  func progressed(_ fraction: Double, _ message: String) {}

  func finished(_ outcome: ToolOutcome) {
    state.withLock { $0.outcome = OutcomeStorage(outcome) }
    if onEnd != nil { add(.end) }
  }

  // MARK: Delivering

  private func add(_ event: Event) {
    let mustStart = state.withLock { state in
      state.events.append(event)
      defer { state.isDelivering = true }
      return !state.isDelivering
    }
    if mustStart { call.deliver { self.deliver() } }
  }

  private func deliver() {
    while let event = next() {
      if gate.enter() {
        instance.enter()
        deliver(event)
        instance.leave()
        gate.leave()
      }
      guard case .chunk = event else { continue }
      delivered.withLock {
        state.withLock { $0.chunks -= 1 }
        delivered.broadcast()
      }
      state.withLock({ $0.callee })?.roomIsAvailable()
    }
  }

  private func next() -> Event? {
    state.withLock { state in
      guard let event = state.events.popFirst() else {
        state.isDelivering = false
        return nil
      }
      return event
    }
  }

  private func deliver(_ event: Event) {
    var report = PluginCode.Report()
    switch event {
    case .chunk(let chunk):
      guard let onChunk else { return }
      let storage = ValueStorage(chunk)
      var view = storage.view
      let status = instance.inspecting(.onChunk, of: call) {
        PluginCode.take(onChunk, context, &view, &report)
      }
      withExtendedLifetime(storage) {}
      instance.tell(report, in: "on_chunk")
      if status != .ok { cancel() }
    case .end:
      guard let onEnd, let handle else { return }
      instance.inspecting(.onEnd, of: call) {
        PluginCode.tell(onEnd, context, handle, &report)
      }
      instance.tell(report, in: "on_end")
    }
  }

  // MARK: From the plugin

  /// Waits for the tool's end and the delivery of all chunks.
  ///
  /// - Returns: Why the caller must end, if it must first.
  /// - Throws: `ToolsError` where nothing may wait.
  func wait() throws -> ToolCall.Cancellation? {
    if state.withLock({ $0.outcome != nil && $0.chunks == 0 }) { return nil }
    guard !gate.isInside else {
      throw ToolsError(
        .failedPrecondition, "inside its own callback for chunks nobody can wait for the tool")
    }
    guard call.mayBlock else {
      throw ToolsError(
        .failedPrecondition, "\(call.tool.name) says it is quick, so it must not wait")
    }
    guard let callee = state.withLock({ $0.callee }) else {
      throw ToolsError(.failedPrecondition, "the call of the other tool has not begun")
    }
    if let reason = callee.join(from: call) { return reason }
    delivered.withLock {
      while state.withLock({ $0.chunks > 0 }) { delivered.wait() }
    }
    return nil
  }

  /// How the tool ended; valid as long as this object.
  var view: bridge_outcome {
    // Not `??`, which is generic: see `ABIStruct`.
    if let outcome = state.withLock({ $0.outcome }) { return outcome.view }
    return bridge_outcome()
  }

  private func cancel() {
    let callee = state.withLock { state in
      state.isOver = true
      return state.callee
    }
    callee?.cancel(.cancelled)
  }

  /// Ends it: no callback begins, and one that runs is waited for; see `CallbackGate.close` for whom.
  func end() {
    gate.shut()
    cancel()
    gate.close()
    // What waits for room does not wait for a callback that never comes.
    state.withLock({ $0.callee })?.roomIsAvailable()
  }
}

/// Keeps alive what a `bridge_outcome` handed to a plugin points to.
// @unchecked: written in `init` only.
private final class OutcomeStorage: @unchecked Sendable {
  private let status: bridge_status
  private let value: ValueStorage
  private let binary: Blob?
  private let error: UnsafeMutableRawPointer?
  private let texts: [[UInt8]]
  private let metadata: PairStorage

  init(_ outcome: ToolOutcome) {
    binary = outcome.binaryResult
    metadata = PairStorage(outcome.metadata)
    switch outcome.result {
    case .success(let value):
      status = .ok
      self.value = ValueStorage(value)
      error = nil
      texts = []
    case .failure(let failure):
      status = failure.code
      value = ValueStorage(.null)
      texts = [failure.message, failure.type, failure.details].map { Array($0.utf8) }
      var view = bridge_error()
      view.size = UInt32(MemoryLayout<bridge_error>.size)
      if failure.isRetryable { view.flags = UInt32(BRIDGE_ERROR_RETRYABLE) }
      view.code = failure.code
      view.message = texts[0].abiView
      view.type = texts[1].abiView
      view.details = texts[2].abiView
      let size = MemoryLayout<bridge_error>.size
      let place = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
      place.copyMemory(from: &view, byteCount: size)
      error = place
    }
  }

  deinit { error?.deallocate() }

  var view: bridge_outcome {
    var view = bridge_outcome()
    view.size = UInt32(MemoryLayout<bridge_outcome>.size)
    view.status = status
    view.value = value.view
    binary?.withUnsafeBytes { bytes in
      view.binary = bridge_str(bytes)
    }
    view.error = error.map {
      UnsafeRawPointer($0).assumingMemoryBound(to: bridge_error.self)
    }
    (view.metadata, view.metadata_count) = (metadata.pointer, metadata.count)
    return view
  }
}
