import BridgePlugin
import Synchronization

/// The entry function of a plugin that is part of the test. A plugin's own has the name `bridge_plugin_entry`.
@c(linked_plugin_entry)
func enterLinked(_ host: PluginHost.Pointer, _ plugin: PluginHost.Answer) -> PluginHost.Status {
  Plugin(
    name: "linked", version: "1.0",
    configurationSchema: #"{"properties": {"greeting": {"type": "string"}}}"#, tools: [Greet()],
    onStart: { context in
      greeting.withLock { $0 = context.configuration.text.contains("Hello") ? "Hello" : "Hi" }
    }
  ).enter(host, plugin)
}

private let greeting = Mutex("")

private struct Greet: Tool {
  let description = "Greets somebody."
  let name = "greet"
  let nameOf = Parameter<String>("name", "Whom to greet.")

  func run(_ call: ToolCall) -> String { "\(greeting.withLock { $0 }), \(call[nameOf])!" }
}
