internal import BridgePluginABI
internal import BridgeTools
internal import Synchronization

/// A plugin's wish to be told of a call's cancellation.
// @unchecked: `callback` and `context` are the plugin's, which promises they may be used from the
// host's threads; the rest is constant.
final class CancellationListener: @unchecked Sendable {
  let gate = CallbackGate()
  /// What its call knows it by, once it is registered there; else 0.
  let number = Atomic<UInt64>(0)
  private let callback: bridge_on_cancel
  private let context: UnsafeMutableRawPointer?
  weak let call: PluginCall?

  init(
    of call: PluginCall, callback: @escaping bridge_on_cancel, context: UnsafeMutableRawPointer?
  ) {
    self.call = call
    self.callback = callback
    self.context = context
  }

  /// Runs the callback, unless the plugin has taken the wish back.
  func tell(_ reason: ToolCall.Cancellation) {
    guard gate.enter() else { return }
    let call = call
    call?.instance.enter()
    var report = PluginCode.Report()
    if let call {
      call.instance.inspecting(.onCancel, of: call.call) {
        PluginCode.tell(callback, context, reason.rawValue, &report)
      }
    } else {
      PluginCode.tell(callback, context, reason.rawValue, &report)
    }
    // The call, which this is a callback of, waits for it.
    call?.instance.tell(report, in: "on_cancel")
    call?.instance.leave()
    gate.leave()
  }

  /// Ends the wish at the plugin's will. The call forgets it, unless its callback still runs: then
  /// the call's end waits for that.
  func forget(_ handle: OpaquePointer) {
    gate.close()
    if !gate.isOccupied { call?.forget(listener: handle) }
  }
}
