internal import BridgePluginABI
internal import Synchronization

/// A subscription. It ends when it is cancelled, when the last reference to it goes, and when the
/// call is over. Thread-safe.
public final class WatchHandle: Sendable {
  private let watch: ActiveWatch
  private let state: CallState

  init(_ watch: ActiveWatch, of state: CallState) {
    self.watch = watch
    self.state = state
  }

  /// Ends the subscription. After it returns the callback does not run; called from inside the
  /// callback it returns at once, and the running callback is the last.
  ///
  /// Not from the cancellation handler of a task that the callback resumes: the two would wait for
  /// each other.
  public func cancel() {
    state.remove(watch)
    watch.cancel()
  }

  deinit { cancel() }
}

/// A subscription as the call keeps it.
final class ActiveWatch: Sendable {
  private let api: CallAPI
  private let handle: Mutex<Handle?>
  private let receiver: Unmanaged<WatchReceiver>

  /// Subscribes.
  init(
    _ identifiers: [String], initial: Bool, details: Bool, api: CallAPI,
    onChange: @escaping @Sendable (VariableChange) -> Void
  ) throws(ToolError) {
    var arena = Arena()
    defer { arena.free() }
    let views = identifiers.map { arena.view($0) }
    let receiver = Unmanaged.passRetained(WatchReceiver(onChange))
    var subscription = bridge_subscription()
    subscription.size = UInt32(MemoryLayout<bridge_subscription>.size)
    subscription.flags = detailFlags(details) | (initial ? UInt32(BRIDGE_WATCH_INITIAL) : 0)
    subscription.identifiers = arena.place(views)
    subscription.identifier_count = views.count
    subscription.on_change = takeChange
    subscription.context = receiver.toOpaque()
    var watch: OpaquePointer?
    let status = api.variablesTable.watch!(api.variables.pointer, &subscription, &watch)
    guard status == Status.ok, let watch else {
      receiver.release()
      throw api.error(status == Status.ok ? Status.internalError : status)
    }
    self.api = api
    self.receiver = receiver
    handle = Mutex(Handle(pointer: watch))
  }

  /// Ends the subscription; only the first call does something.
  func cancel() {
    let ended = handle.withLock { handle in
      defer { handle = nil }
      return handle
    }
    guard let ended else { return }
    // Not under the lock: this waits for a callback that runs on another thread.
    _ = api.variablesTable.unwatch!(ended.pointer)
    receiver.release()
  }
}

/// What the host hands to the callback.
private final class WatchReceiver: Sendable {
  let onChange: @Sendable (VariableChange) -> Void

  init(_ onChange: @escaping @Sendable (VariableChange) -> Void) { self.onChange = onChange }
}

/// Takes one change from the host.
private func takeChange(
  context: UnsafeMutableRawPointer?, change: UnsafePointer<bridge_change>?
) {
  guard let context, let change, let change = VariableChange(change) else { return }
  // The callback may end its own watch, which gives up the reference that the host holds.
  let receiver = Unmanaged<WatchReceiver>.fromOpaque(context).takeUnretainedValue()
  withExtendedLifetime(receiver) { receiver.onChange(change) }
}
