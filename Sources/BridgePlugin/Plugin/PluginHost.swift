public import BridgePluginABI

/// The types of a plugin's entry function.
///
/// They are what crosses to the host; hand them to `Plugin.enter` and look no further:
///
///     @c(bridge_plugin_entry)
///     public func entry(
///       _ host: PluginHost.Pointer, _ plugin: PluginHost.Answer
///     ) -> PluginHost.Status {
///       Plugin(name: "example", version: "1.0", tools: [Echo()]).enter(host, plugin)
///     }
public enum PluginHost {
  /// What the host offers.
  public typealias Pointer = UnsafePointer<bridge_host>?
  /// Where the plugin's description goes.
  public typealias Answer = UnsafeMutablePointer<UnsafePointer<bridge_plugin>?>?
  /// A status code.
  public typealias Status = bridge_status
}
