internal import BridgePluginABI
internal import BridgeTools

/// A loaded plugin: its name and its tools.
final class Plugin: ToolProvider {
  /// The file it was loaded from.
  let id: String
  let name: String
  let version: String
  let description: String
  let tools: [any Tool]

  /// Loads a shared object and calls its entry function.
  ///
  /// - Parameter path: Absolute.
  /// - Throws: `PluginError`.
  convenience init(loading path: String) throws(PluginError) {
    let object = try SharedObject(path)
    guard let symbol = object.symbol(BRIDGE_PLUGIN_ENTRY) else {
      throw PluginError(
        "\(path) is no plugin: it does not export \(BRIDGE_PLUGIN_ENTRY)")
    }
    let entry = unsafeBitCast(symbol, to: bridge_plugin_entry_function.self)
    HostTable.refusal.withLock { $0 = nil }
    var answer: UnsafePointer<bridge_plugin>?
    let status = entry(HostTable.table, &answer)
    guard status == .ok else {
      let reason = HostTable.refusal.withLock { $0 } ?? "status \(status) and no reason"
      throw PluginError("\(path) refuses to be loaded: \(reason)")
    }
    guard let answer else { throw PluginError("\(path) answered no description of itself") }
    do throws(PluginError) {
      try self.init(reading: answer, from: path)
    } catch {
      throw PluginError("\(path): \(error)")
    }
  }

  private init(reading plugin: UnsafePointer<bridge_plugin>, from path: String) throws(PluginError)
  {
    id = path
    let descriptor = plugin.pointee
    guard descriptor.size >= MemoryLayout<bridge_plugin>.size else {
      throw PluginError(
        "bridge_plugin.size is \(descriptor.size), not \(MemoryLayout<bridge_plugin>.size)")
    }
    guard descriptor.abi_version == BRIDGE_ABI_VERSION else {
      throw PluginError(
        "the plugin chose ABI version \(descriptor.abi_version); this host speaks "
          + "\(BRIDGE_ABI_VERSION)")
    }
    name = try Self.checkedName(descriptor.name, "the plugin")
    version = try Self.text(descriptor.version, "bridge_plugin.version")
    description = try Self.text(descriptor.description, "bridge_plugin.description")
    guard descriptor.tool_count == 0 || descriptor.tools != nil else {
      throw PluginError("bridge_plugin.tools is NULL")
    }
    var tools: [any Tool] = []
    for index in 0..<Int(descriptor.tool_count) {
      guard let tool = descriptor.tools[index] else { throw PluginError("tool \(index) is NULL") }
      tools.append(try PluginTool(reading: tool, plugin: name))
    }
    self.tools = tools
  }

  func retire() {}

  static func text(_ view: bridge_str, _ what: String) throws(PluginError) -> String {
    guard let text = view.string else { throw PluginError("\(what) is not UTF-8 text") }
    return text
  }

  /// A name of a plugin, a tool or a parameter: 1 to 128 of `[A-Za-z0-9_.-]`.
  static func checkedName(_ view: bridge_str, _ what: String) throws(PluginError) -> String {
    let name = try text(view, "the name of \(what)")
    guard ToolName.isValid(name) else {
      throw PluginError(
        "the name \"\(name)\" of \(what) must be \(ToolName.rule)")
    }
    return name
  }
}
