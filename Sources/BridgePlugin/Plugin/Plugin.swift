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

  /// Describes a plugin.
  public init(
    name: String, version: String, description: String = "", tools: [any ToolDeclaration]
  ) {
    self.name = name
    self.version = version
    self.description = description
    self.tools = tools
  }

  /// Introduces the plugin to the host; the entry function returns what this returns.
  ///
  /// A host that speaks no version of the ABI that the SDK speaks is refused with a sentence. What
  /// is handed over stays in memory; call it once. Call it on the thread of the entry function.
  public func enter(_ host: PluginHost.Pointer, _ answer: PluginHost.Answer) -> PluginHost.Status {
    guard let host, let answer, host.pointee.size >= MemoryLayout<bridge_host>.size else {
      return Status.failedPrecondition
    }
    do {
      let tables = try HostTables(host)
      let registered = try tools.map { try RegisteredTool($0, host: tables) }
      answer.pointee = describe(registered)
      return Status.ok
    } catch {
      let error = ToolError(error)
      error.message.withView { host.pointee.refuse?(host, $0) }
      return error.code.status
    }
  }

  /// Writes the plugin's description to memory that is never freed.
  private func describe(_ tools: [RegisteredTool]) -> UnsafePointer<bridge_plugin> {
    var arena = Arena()
    let pointers = tools.map { tool in
      Optional(arena.place(tool.describe(in: &arena)))
    }
    var plugin = bridge_plugin()
    plugin.size = MemoryLayout<bridge_plugin>.size
    plugin.abi_version = BRIDGE_ABI_VERSION
    plugin.name = arena.view(name)
    plugin.version = arena.view(version)
    plugin.description = arena.view(description)
    plugin.tools = arena.place(pointers)
    plugin.tool_count = pointers.count
    return arena.place(plugin)
  }
}
