internal import BridgePluginABI

/// A plugin: its name and its tools. The entry function makes one and enters with it.
///
///     @c(bridge_plugin_entry)
///     public func entry(
///       _ host: PluginHost.Pointer, _ plugin: PluginHost.Answer
///     ) -> PluginHost.Status {
///       Plugin(name: "example", version: "1.0", tools: [Echo(), WordCount()]).enter(host, plugin)
///     }
///
/// A plugin written in Swift stays in memory until the process ends.
public struct Plugin {
  /// 1 to 128 of `A-Z a-z 0-9 _ . -`.
  public let name: String
  /// The plugin's own version, in any form.
  public let version: String
  /// What the plugin is for.
  public let description: String
  /// Each conforms to `Tool`, `ReadOnlyTool` or `AsyncTool`.
  public let tools: [any ToolDeclaration]
  /// A JSON Schema (2020-12) of the plugin's configuration, an object; empty where it takes none.
  public let configurationSchema: String

  private let onStart: (@Sendable (PluginContext) throws -> Void)?
  private let onStop: (@Sendable () -> Void)?

  /// Describes a plugin.
  ///
  /// - Parameters:
  ///   - onStart: Called once, after the host has checked the configuration and before any call.
  ///     What it throws keeps the plugin from being loaded.
  ///   - onStop: Called once, when no call runs and no more will.
  public init(
    name: String, version: String, description: String = "", configurationSchema: String = "",
    tools: [any ToolDeclaration], onStart: (@Sendable (PluginContext) throws -> Void)? = nil,
    onStop: (@Sendable () -> Void)? = nil
  ) {
    self.name = name
    self.version = version
    self.description = description
    self.configurationSchema = configurationSchema
    self.tools = tools
    self.onStart = onStart
    self.onStop = onStop
  }

  /// Introduces the plugin to the host; the entry function returns what this returns.
  ///
  /// A host that speaks no version of the ABI that the SDK speaks is refused with a sentence. What
  /// is handed over stays in memory; call it once. Call it on the thread of the entry function.
  public func enter(_ host: PluginHost.Pointer, _ answer: PluginHost.Answer) -> PluginHost.Status {
    guard let host, let answer, sizeOf(host) >= FirstRelease.host else {
      return Status.failedPrecondition
    }
    do {
      let tables = try HostTables(host)
      let registered = try tools.map { try RegisteredTool($0, host: tables) }
      answer.pointee = describe(registered)
      EnteredPlugin.current.withLock { $0 = EnteredPlugin(onStart: onStart, onStop: onStop) }
      return Status.ok
    } catch {
      return refuse(error, host)
    }
  }

  /// Writes the plugin's description to memory that is never freed.
  private func describe(_ tools: [RegisteredTool]) -> UnsafePointer<bridge_plugin> {
    var arena = Arena()
    let pointers = tools.map { tool -> UnsafePointer<bridge_tool>? in
      var view = tool.describe(in: &arena)
      return arena.place(&view, MemoryLayout<bridge_tool>.size)
        .assumingMemoryBound(to: bridge_tool.self)
    }
    var plugin = bridge_plugin()
    plugin.size = UInt32(MemoryLayout<bridge_plugin>.size)
    plugin.abi_version = BRIDGE_ABI_VERSION
    plugin.name = arena.view(name)
    plugin.version = arena.view(version)
    plugin.description = arena.view(description)
    plugin.tools = arena.place(pointers)
    plugin.tool_count = pointers.count
    plugin.configuration_schema = arena.view(configurationSchema)
    plugin.`init` = startPlugin
    plugin.`deinit` = stopPlugin
    return arena.place(&plugin, MemoryLayout<bridge_plugin>.size)
      .assumingMemoryBound(to: bridge_plugin.self)
  }
}
