internal import BridgeProtocol
internal import JSON

/// How the commands print plugins.
enum PluginListing {
  /// A plugin in one line, and one more where there is a reason.
  static func write(_ plugin: BridgeHost_V1_Plugin, json: Bool) throws {
    if json { return try StandardOutput.writeLine(Self.json(plugin).text) }
    try StandardOutput.writeLine(line(plugin))
    if !plugin.reason.isEmpty { try StandardOutput.writeLine("    \(plugin.reason)") }
  }

  static func line(_ plugin: BridgeHost_V1_Plugin) -> String {
    var parts = ["\(plugin.file)  \(name(plugin.state))"]
    if !plugin.isolation.isEmpty { parts.append(plugin.isolation) }
    if plugin.generation > 0 {
      parts.append("generation \(plugin.generation)")
      parts.append("\(plugin.tools.count) tools")
    }
    if plugin.crashes > 0 { parts.append("\(plugin.crashes) crashes") }
    return parts.joined(separator: ", ")
  }

  /// All that is known of a plugin.
  static func lines(_ plugin: BridgeHost_V1_Plugin) -> [String] {
    guard case .object(let members) = json(plugin) else { return [] }
    return members.map { member in
      switch member.value {
      case .string(let text): "\(member.key): \(text)"
      case .array(let elements):
        "\(member.key): "
          + elements.map { if case .string(let text) = $0 { text } else { $0.text } }
          .joined(separator: ", ")
      default: "\(member.key): \(member.value.text)"
      }
    }
  }

  static func json(_ plugin: BridgeHost_V1_Plugin) -> JSON {
    .object([
      .init(key: "file", value: .string(plugin.file)),
      .init(key: "path", value: .string(plugin.path)),
      .init(key: "name", value: .string(plugin.name)),
      .init(key: "version", value: .string(plugin.version)),
      .init(key: "state", value: .string(name(plugin.state))),
      .init(key: "reason", value: .string(plugin.reason)),
      .init(key: "isolation", value: .string(plugin.isolation)),
      .init(key: "generation", value: .integer(plugin.generation)),
      .init(
        key: "loaded_at",
        value: plugin.hasLoadedAt ? .string(VariableListing.time(plugin.loadedAt)) : .null),
      .init(key: "tools", value: .array(plugin.tools.map { .string($0) })),
      .init(key: "crashes", value: .integer(plugin.crashes)),
      .init(key: "processes", value: .array(plugin.processIds.map { .integer(Int64($0)) })),
      .init(key: "calls", value: .integer(plugin.calls)),
      .init(key: "draining", value: .integer(plugin.draining)),
    ])
  }

  private static func name(_ state: BridgeHost_V1_PluginState) -> String {
    switch state {
    case .serving: "serving"
    case .loading: "loading"
    case .broken: "broken"
    case .quarantined: "quarantined"
    case .disabled: "disabled"
    case .unspecified, .UNRECOGNIZED: "unknown"
    }
  }

  static func line(_ reload: BridgeHost_V1_PluginReload, json: Bool) -> String {
    let outcome =
      switch reload.outcome {
      case .loaded: "loaded"
      case .wouldLoad: "would_load"
      case .failed: "failed"
      case .removed: "removed"
      case .unspecified, .UNRECOGNIZED: "unknown"
      }
    guard json else {
      let words = outcome == "would_load" ? "can be loaded" : outcome
      let rest = reload.outcome == .failed ? ": \(reload.reason)" : ""
      let tools =
        reload.tools.isEmpty ? "" : ", tools: \(reload.tools.joined(separator: ", "))"
      return "\(reload.file)  \(words)\(rest)\(tools)"
    }
    return JSON.object([
      .init(key: "file", value: .string(reload.file)),
      .init(key: "outcome", value: .string(outcome)),
      .init(key: "reason", value: .string(reload.reason)),
      .init(key: "tools", value: .array(reload.tools.map { .string($0) })),
    ]).text
  }
}
