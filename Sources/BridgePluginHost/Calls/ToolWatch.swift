internal import BridgePluginABI
internal import BridgeSessions
internal import Threads

/// A plugin's subscription: runs its callback for every change, in order, on the callback threads.
// @unchecked: `state` is guarded by the lock; `callback` and `context` are the plugin's, which
// promises they may be used from the host's threads.
final class ToolWatch: @unchecked Sendable {
  private let callbacks: WorkerPool
  private let callback: bridge_on_change
  private let context: UnsafeMutableRawPointer?
  private let gate = CallbackGate()
  private let lock = Condition()
  private var state = State()

  private struct State {
    var watch: Watch?
    var initial: (variables: [Variable], revision: Int64)?
    var schedule = Schedule.idle
    /// The call that the watch belongs to, and its handle there.
    var owner: (call: ToolCall, handle: OpaquePointer)?
  }

  private enum Schedule {
    case idle
    /// A run is queued or under way.
    case scheduled
    /// As `scheduled`, and changes came since it began.
    case scheduledAgain
  }

  private static let batch = 64

  init(
    callbacks: WorkerPool, callback: @escaping bridge_on_change, context: UnsafeMutableRawPointer?
  ) {
    self.callbacks = callbacks
    self.callback = callback
    self.context = context
  }

  func belongs(to call: ToolCall, as handle: OpaquePointer) {
    lock.withLock { state.owner = (call, handle) }
  }

  /// Ends the subscription at the plugin's wish. The call forgets it, unless its callback still runs:
  /// then the call's end waits for that.
  func unwatch() {
    end()
    let owner = lock.withLock { take(&state.owner) }
    if let owner, !gate.isOccupied { owner.call.forget(watch: owner.handle) }
  }

  /// Subscribes. The first changes may be reported before this returns.
  func start(_ session: Session, _ identifiers: [String], initial wantsInitial: Bool) throws {
    let (watch, snapshot, revision) = try session.watch(identifiers) { [weak self] in
      self?.schedule()
    }
    lock.withLock {
      state.watch = watch
      if wantsInitial { state.initial = (snapshot, revision) }
    }
    // Its call may have ended meanwhile, when there was nothing to cancel yet.
    if !gate.isOpen { watch.cancel() }
    schedule()
  }

  private func schedule() {
    guard gate.isOpen else { return }
    let isNew = lock.withLock { () -> Bool in
      switch state.schedule {
      case .idle:
        state.schedule = .scheduled
        return true
      case .scheduled, .scheduledAgain:
        state.schedule = .scheduledAgain
        return false
      }
    }
    if isNew { submit() }
  }

  private func submit() {
    // The pool refuses only while it stops, with the whole host.
    _ = callbacks.submit { self.run() }
  }

  private func run() {
    guard gate.enter() else { return }
    let initial = lock.withLock {
      // What comes from here on may be too late for this run.
      state.schedule = .scheduled
      return take(&state.initial)
    }
    if let initial {
      for variable in initial.variables {
        guard report(bridge_change_kind(BRIDGE_CHANGE_INITIAL), initial.revision, variable, nil)
        else { return }
      }
      guard report(bridge_change_kind(BRIDGE_CHANGE_SYNCED), initial.revision, nil, nil) else {
        return
      }
    }
    drain()
  }

  private func drain() {
    guard let watch = lock.withLock({ state.watch }) else { return leave() }
    var changes: [Change] = []
    while true {
      changes.removeAll(keepingCapacity: true)
      let progress = watch.take(&changes, limit: Self.batch)
      for change in changes {
        let cause = change.kind == .dependencyChanged ? change.causedBy : change.cause
        guard
          report(change.kind.abi, change.revision, change.variable, change.previous, cause)
        else { return }
      }
      switch progress {
      case .more: continue
      case .upToDate: return leave()
      case .ended(let cause, let revision):
        _ = report(bridge_change_kind(BRIDGE_CHANGE_ENDED), revision, nil, nil, cause.rawValue)
        return finish()
      case .fellBehind(let oldest):
        _ = report(bridge_change_kind(BRIDGE_CHANGE_ENDED), oldest, nil, nil, "behind")
        return finish()
      }
    }
  }

  /// Ends a run; another follows when changes came meanwhile.
  private func leave() {
    gate.leave()
    let again = lock.withLock { () -> Bool in
      let again = state.schedule == .scheduledAgain
      state.schedule = again ? .scheduled : .idle
      return again
    }
    if again { submit() }
  }

  private func finish() {
    gate.shut()
    gate.leave()
    lock.withLock { state.watch }?.cancel()
  }

  /// Runs the callback once.
  ///
  /// - Returns: false when the watch has ended meanwhile; the run is over then.
  private func report(
    _ kind: bridge_change_kind, _ revision: Int64, _ variable: Variable?, _ previous: Variable?,
    _ cause: String = ""
  ) -> Bool {
    let current = variable.map { Snapshot($0, call: nil) }
    let old = previous.map { Snapshot($0, call: nil) }
    let causeBytes = Array(cause.utf8)
    withOptionalPointer(to: current?.view) { variable in
      withOptionalPointer(to: old?.view) { previous in
        var change = bridge_change(
          size: UInt32(MemoryLayout<bridge_change>.size), kind: kind, revision: revision,
          variable: variable, previous: previous, cause: causeBytes.abiView)
        callback(context, &change)
      }
    }
    withExtendedLifetime((current, old, causeBytes)) {}
    let goesOn = gate.isOpen
    if !goesOn { gate.leave() }
    return goesOn
  }

  private func withOptionalPointer<Value>(
    to value: Value?, _ body: (UnsafePointer<Value>?) -> Void
  ) {
    guard let value else { return body(nil) }
    withUnsafePointer(to: value) { body($0) }
  }

  /// Keeps further callbacks from beginning; does not wait for one that runs.
  func stop() {
    gate.shut()
    lock.withLock { state.owner = nil }
  }

  /// Ends the subscription; see `CallbackGate.close` for whom it waits for.
  func end() {
    gate.close()
    lock.withLock { state.watch }?.cancel()
  }
}

private func take<Value>(_ value: inout Value?) -> Value? {
  defer { value = nil }
  return value
}

extension Change.Kind {
  fileprivate var abi: bridge_change_kind {
    switch self {
    case .registered, .valueChanged, .constraintsChanged:
      bridge_change_kind(BRIDGE_CHANGE_VALUE)
    case .deleted: bridge_change_kind(BRIDGE_CHANGE_DELETED)
    case .dependencyChanged: bridge_change_kind(BRIDGE_CHANGE_DEPENDENCY)
    case .optimizationChanged: bridge_change_kind(BRIDGE_CHANGE_OPTIMIZATION)
    }
  }
}
