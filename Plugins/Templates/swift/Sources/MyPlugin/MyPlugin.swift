public import BridgePlugin

/// The one function that the plugin exports.
@c(bridge_plugin_entry)
public func enter(_ host: PluginHost.Pointer, _ plugin: PluginHost.Answer) -> PluginHost.Status {
  Plugin(
    name: "my-plugin", version: "0.1.0", description: "What my-plugin is for.",
    tools: [Add(), Count()]
  ).enter(host, plugin)
}

/// Reads a variable and writes it; `update` begins again when somebody else has written it meanwhile.
struct Add: Tool {
  let name = "my_plugin_add"
  let description = "Adds a number to a variable of the session."
  let variable = Parameter<String>("variable", "The name of a float variable.")
  let amount = Parameter<Double>("amount", "What to add to it.", default: 1)

  func run(_ call: ToolCall) throws -> Double {
    try call.variables.update(call[variable], as: Double.self) { $0 += call[amount] }
  }
}

/// Streams as fast as the client takes it. `emit` and `progress` throw when the call is cancelled.
struct Count: ReadOnlyTool {
  let name = "my_plugin_count"
  let description = "Streams the numbers from 1 up."
  let traits: ToolTraits = [.streams, .idempotent]
  let to = Parameter<Int>("to", "The last number.", default: 3, range: 0...100_000)
    .examples(1, 10)

  func run(_ call: ReadOnlyToolCall) throws -> Int {
    let to = call[to]
    for number in stride(from: 1, through: to, by: 1) {
      guard try stream(number, from: call) else { break }  // the result is all that is wanted
      try call.progress(Double(number) / Double(to))
    }
    return to
  }

  /// Answers false where nobody streams from the call.
  private func stream(_ number: Int, from call: ReadOnlyToolCall) throws -> Bool {
    do {
      try call.emit(number)
      return true
    } catch  where error.code == .failedPrecondition {
      return false
    }
  }
}
