internal import BridgeTools
internal import JSON

/// How `bridge-host tools` prints a tool.
enum ToolListing {
  static func lines(_ tool: ToolDescription) -> [String] {
    var lines = ["\(tool.name)  \(tool.description)"]
    let traits = [
      tool.streams ? "streams" : nil, tool.isReadOnly ? "read-only" : nil,
      tool.isDestructive ? "destructive" : nil, tool.isIdempotent ? "idempotent" : nil,
      tool.concurrency == .serial ? "serial" : nil,
    ].compactMap { $0 }
    lines.append("    plugin \(tool.plugin)" + traits.map { ", \($0)" }.joined())
    for parameter in tool.parameters { lines.append("    " + text(parameter)) }
    return lines
  }

  private static func text(_ parameter: ParameterDescription) -> String {
    var text = "\(parameter.name): \(parameter.type.name)"
    if case .value(let value, let type) = parameter.defaultValue {
      text += " = \(String(decoding: value.json(as: type), as: UTF8.self))"
    } else if !parameter.isRequired {
      text += " (optional)"
    }
    if !parameter.constraintsJSON.isEmpty { text += " \(parameter.constraintsJSON)" }
    return parameter.description.isEmpty ? text : text + "  \(parameter.description)"
  }

  /// As the Model Context Protocol lists tools.
  static func json(_ tool: ToolDescription) -> String { tool.mcpTool.text }
}
