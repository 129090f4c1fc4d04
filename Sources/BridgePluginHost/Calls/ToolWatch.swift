internal import BridgePluginABI
internal import BridgeSessions
internal import Threads

/// A plugin's subscription: runs its callback for every change, in order, on the callback threads.
// @unchecked: `watch` and `initial` are set before the first run; `state` is guarded by the
// condition's lock; `callback` and `context` are the plugin's, which promises they may be used from
// the host's threads.
final class ToolWatch: @unchecked Sendable {
  private let callbacks: WorkerPool
  private let callback: bridge_on_change
  private let context: UnsafeMutableRawPointer?
  private let condition = Condition()
  private var watch: Watch?
  private var initial: (variables: [Variable], revision: Int64)?

  private var state = State.idle
  private var isEnded = false
  /// The thread inside the callback.
  private var runningThread: UInt?

  private enum State {
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

  /// The call that owns the watch, and its handle there.
  private var owner: (call: ToolCall, handle: OpaquePointer)?

  func belongs(to call: ToolCall, as handle: OpaquePointer) {
    condition.withLock { owner = (call, handle) }
  }

  /// Ends the subscription at the plugin's wish. The call forgets it, unless its callback still runs:
  /// then the call's end waits for that.
  func unwatch() {
    end()
    let (owner, isRunning) = condition.withLock {
      defer { self.owner = nil }
      return (self.owner, runningThread != nil)
    }
    if let owner, !isRunning { owner.call.forget(watch: owner.handle) }
  }

  /// Subscribes. The first changes may be reported before this returns.
  func start(_ session: Session, _ identifiers: [String], initial wantsInitial: Bool) throws {
    let (watch, snapshot, revision) = try session.watch(identifiers) { [weak self] in
      self?.schedule()
    }
    condition.withLock {
      self.watch = watch
      if wantsInitial { initial = (snapshot, revision) }
    }
    schedule()
  }

  private func schedule() {
    let isNew = condition.withLock { () -> Bool in
      if isEnded { return false }
      switch state {
      case .idle:
        state = .scheduled
        return true
      case .scheduled, .scheduledAgain:
        state = .scheduledAgain
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
    guard enterCallback() else { return }
    if let initial = condition.withLock({ take(&self.initial) }) {
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

  private func take<Value>(_ value: inout Value?) -> Value? {
    defer { value = nil }
    return value
  }

  private func drain() {
    guard let watch = condition.withLock({ self.watch }) else { return leaveCallback() }
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
      case .upToDate: return leaveCallback()
      case .ended(let cause, let revision):
        _ = report(bridge_change_kind(BRIDGE_CHANGE_ENDED), revision, nil, nil, cause.rawValue)
        return finish()
      case .fellBehind(let oldest):
        _ = report(bridge_change_kind(BRIDGE_CHANGE_ENDED), oldest, nil, nil, "behind")
        return finish()
      }
    }
  }

  private func enterCallback() -> Bool {
    condition.withLock {
      if isEnded { return false }
      state = .scheduled
      runningThread = CurrentThread.id
      return true
    }
  }

  /// Ends a run; another follows when changes came meanwhile.
  private func leaveCallback() {
    let again = condition.withLock { () -> Bool in
      runningThread = nil
      condition.broadcast()
      if isEnded { return false }
      let again = state == .scheduledAgain
      state = again ? .scheduled : .idle
      return again
    }
    if again { submit() }
  }

  private func finish() {
    condition.withLock {
      isEnded = true
      runningThread = nil
      condition.broadcast()
    }
    watch?.cancel()
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
    let goesOn = condition.withLock { () -> Bool in
      if !isEnded { return true }
      runningThread = nil
      condition.broadcast()
      return false
    }
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
    condition.withLock {
      isEnded = true
      owner = nil
    }
  }

  /// Ends the subscription. After this returns no callback runs, unless this is called from inside
  /// it: then the one running is the last.
  func end() {
    let watch = condition.withLock { () -> Watch? in
      isEnded = true
      while let thread = runningThread, thread != CurrentThread.id { condition.wait() }
      return self.watch
    }
    watch?.cancel()
  }
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
