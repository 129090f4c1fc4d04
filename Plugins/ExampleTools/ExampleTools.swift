public import BridgePlugin

/// The one symbol a plugin exports: the host calls it once, and gets the list of tools.
@c(bridge_plugin_entry)
public func enter(_ host: PluginHost.Pointer, _ plugin: PluginHost.Answer) -> PluginHost.Status {
  Plugin(
    name: "example", version: "1.0",
    description: "Small tools that show how to write tools in Swift, one idea each.",
    tools: [
      Echo(), Arithmetic(), WordCount(), Normalize(), Countdown(), ScaleVariable(),
      WaitForVariable(), ReadSummary(), AverageUpdates(),
    ]
  ).enter(host, plugin)
}
