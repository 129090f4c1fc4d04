internal import BridgePluginABI
internal import BridgeTools
internal import Threads

/// A plugin's subscription: runs its callback for every change, in order, and never after the plugin has
/// ended it.
// @unchecked: `state` is guarded by the lock; `callback` and `context` are the plugin's, which promises
// they may be used from the host's threads.
final class PluginWatch: @unchecked Sendable {
  private let instance: PluginInstance
  private let withDetails: Bool
  private let callback: bridge_on_change
  private let context: UnsafeMutableRawPointer?
  private let gate = CallbackGate()
  private let state = Locked(State())

  private struct State {
    var subscription: (any VariableSubscription)?
    /// The call that the watch belongs to, and its handle there.
    var owner: Owner?
  }

  private struct Owner: @unchecked Sendable {
    let call: PluginCall
    let handle: OpaquePointer
  }

  init(
    of instance: PluginInstance, withDetails: Bool, callback: @escaping bridge_on_change,
    context: UnsafeMutableRawPointer?
  ) {
    self.instance = instance
    self.withDetails = withDetails
    self.callback = callback
    self.context = context
  }

  func belongs(to call: PluginCall, as handle: OpaquePointer) {
    state.withLock { $0.owner = Owner(call: call, handle: handle) }
  }

  /// The call that the watch belongs to; nil once it has been ended.
  var owner: PluginCall? { state.withLock { $0.owner?.call } }

  /// Subscribes. The first changes may be reported before this returns.
  func start(_ services: any CallServices, _ identifiers: [String], initial: Bool) throws {
    let subscription = try services.watch(identifiers, initial: initial) { [weak self] changes in
      self?.report(changes) == true ? .goOn : .end
    }
    state.withLock { $0.subscription = subscription }
    // Its call may have ended meanwhile, when there was nothing to cancel yet.
    if !gate.isOpen { subscription.cancel() }
  }

  /// Runs the callback for each change.
  ///
  /// - Returns: false when the watch has ended.
  private func report(_ changes: [VariableChange]) -> Bool {
    guard gate.enter() else { return false }
    instance.enter()
    defer {
      instance.leave()
      gate.leave()
    }
    for change in changes {
      report(change)
      if change.kind == .ended { gate.shut() }
      if !gate.isOpen { return false }
    }
    return true
  }

  private func report(_ change: VariableChange) {
    let current = change.variable.map { Snapshot($0, withDetails: withDetails, call: nil) }
    let old = change.previous.map { Snapshot($0, withDetails: withDetails, call: nil) }
    let cause = Array(change.cause.utf8)
    let call = instance.inspector == nil ? nil : owner?.call
    // Not by way of anything generic: see `ABIStruct`.
    var variable = bridge_variable()
    var previous = bridge_variable()
    if let current { variable = current.view }
    if let old { previous = old.view }
    withUnsafePointer(to: &variable) { variable in
      withUnsafePointer(to: &previous) { previous in
        var view = bridge_change()
        view.size = UInt32(MemoryLayout<bridge_change>.size)
        view.kind = change.kind.abi
        view.revision = change.revision
        view.time = change.time
        view.variable = current == nil ? nil : variable
        view.previous = old == nil ? nil : previous
        view.cause = cause.abiView
        var report = PluginCode.Report()
        instance.inspecting(.onChange, of: call) {
          PluginCode.tell(callback, context, &view, &report)
        }
        instance.tell(report, in: "on_change")
      }
    }
    withExtendedLifetime((current, old, cause)) {}
  }

  /// Ends the subscription at the plugin's wish. The call forgets it, unless its callback still runs:
  /// then the call's end waits for that.
  func unwatch() {
    end()
    let owner = state.withLock { state in
      defer { state.owner = nil }
      return state.owner
    }
    if let owner, !gate.isOccupied { owner.call.forget(watch: owner.handle) }
  }

  /// Keeps further callbacks from beginning; does not wait for one that runs.
  func stop() {
    gate.shut()
    state.withLock { $0.owner = nil }
  }

  /// Ends the subscription; see `CallbackGate.close` for whom it waits for.
  func end() {
    gate.close()
    state.withLock { $0.subscription }?.cancel()
  }
}

extension VariableChange.Kind {
  fileprivate var abi: bridge_change_kind {
    let kind =
      switch self {
      case .initial: BRIDGE_CHANGE_INITIAL
      case .synced: BRIDGE_CHANGE_SYNCED
      case .value: BRIDGE_CHANGE_VALUE
      case .deleted: BRIDGE_CHANGE_DELETED
      case .ended: BRIDGE_CHANGE_ENDED
      case .dependency: BRIDGE_CHANGE_DEPENDENCY
      case .optimization: BRIDGE_CHANGE_OPTIMIZATION
      }
    return bridge_change_kind(kind)
  }
}
