internal import BridgePluginABI

/// Is told of a call's cancellation until it is forgotten, which whoever made it does exactly once.
struct CancellationListener: Sendable {
  private let api: CallAPI
  private let handle: Handle
  private let receiver: Unmanaged<Receiver>

  private final class Receiver: Sendable {
    let onCancel: @Sendable (ToolError) -> Void

    init(_ onCancel: @escaping @Sendable (ToolError) -> Void) { self.onCancel = onCancel }
  }

  /// - Parameter onCancel: Called at most once, on a thread of the host, with what the tool is to
  ///   throw; soon when the call is over already.
  init(of api: CallAPI, onCancel: @escaping @Sendable (ToolError) -> Void) throws(ToolError) {
    self.api = api
    let receiver = Unmanaged.passRetained(Receiver(onCancel))
    var listener: OpaquePointer?
    let status = api.table.on_cancel!(
      api.call.pointer,
      { context, reason in
        guard let context else { return }
        let receiver = Unmanaged<Receiver>.fromOpaque(context).takeUnretainedValue()
        withExtendedLifetime(receiver) { receiver.onCancel(CallAPI.cancellation(reason)) }
      }, receiver.toOpaque(), &listener)
    guard status == Status.ok, let listener else {
      receiver.release()
      throw api.error(status == Status.ok ? Status.internalError : status)
    }
    self.receiver = receiver
    handle = Handle(pointer: listener)
  }

  /// Ends it. After this returns `onCancel` does not run, unless this is called from inside it.
  func forget() {
    _ = api.table.forget!(handle.pointer)
    receiver.release()
  }
}
