internal import BridgePluginABI
internal import Synchronization

/// What the plugin of this shared object does when it is started and stopped: the host's calls for
/// that have no context, and a shared object is one plugin.
struct EnteredPlugin: Sendable {
  let onStart: (@Sendable (PluginContext) throws -> Void)?
  let onStop: (@Sendable () -> Void)?

  static let current = Mutex<EnteredPlugin?>(nil)
}

/// Starts the plugin.
func startPlugin(host: UnsafePointer<bridge_host>?, configuration: bridge_str) -> bridge_status {
  guard let host, let plugin = EnteredPlugin.current.withLock({ $0 }) else {
    return Status.internalError
  }
  do {
    try plugin.onStart?(PluginContext(host, configuration: String(configuration)))
    return Status.ok
  } catch {
    return refuse(error, host)
  }
}

/// Stops the plugin.
func stopPlugin() -> bridge_status {
  EnteredPlugin.current.withLock { $0 }?.onStop?()
  return Status.ok
}

/// Tells the host why the plugin is not to be loaded.
///
/// - Returns: What the host's caller returns.
func refuse(_ error: any Error, _ host: UnsafePointer<bridge_host>) -> bridge_status {
  let error = ToolError(error)
  error.message.withView { told(host).refuse?(host, $0) }
  return error.code.status
}
