internal import BridgeTools

/// What stands in the registry for a plugin that was taken out of service: its tools, whose calls fail.
final class QuarantinedPlugin: ToolProvider {
  let id: String
  let name: String
  let version: String
  let tools: [any Tool]

  /// - Parameters:
  ///   - plugin: What served.
  ///   - reason: Callers and lists are told.
  init(of plugin: any ToolProvider, reason: String) {
    id = plugin.id
    name = plugin.name
    version = plugin.version
    let failure = ToolFailure(
      code: 14, message: "plugin \(plugin.name) is out of service: \(reason)",
      type: "plugin_quarantined")
    tools = plugin.tools.map { QuarantinedTool($0.description, failure, reason) }
  }

  func retire() {}
}

private struct QuarantinedTool: Tool {
  let description: ToolDescription
  let failure: ToolFailure

  init(_ description: ToolDescription, _ failure: ToolFailure, _ reason: String) {
    var description = description
    description.outOfService = reason
    // Nothing runs, so nothing has to wait for its turn.
    (description.execution, description.concurrency) = (.forwarded, .unlimited)
    self.description = description
    self.failure = failure
  }

  func run(_ call: ToolCall) { call.finish(.failure(failure)) }
}
