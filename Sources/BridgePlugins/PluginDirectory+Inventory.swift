public import BridgeTools
internal import BridgePluginProcess
internal import Threads

extension PluginDirectory: PluginInventory {
  /// Every plugin there is, by file.
  public var plugins: [PluginStatus] {
    entries.values.filter { !$0.isLibrary }.map(\.status).sorted { $0.file < $1.file }
  }

  private func find(_ name: String) throws(ToolsError) -> PluginStatus {
    let all = plugins
    if let plugin = all.first(where: { $0.file == name }) { return plugin }
    let found = all.filter { $0.answers(to: name) }
    guard let plugin = found.first else {
      throw ToolsError(
        .pluginNotFound, "Plugin not found: \(name)", details: ["plugin": name])
    }
    guard found.count == 1 else {
      throw ToolsError(
        .failedPrecondition,
        "\(name) may be each of \(found.map(\.file).joined(separator: ", ")); give the file's name",
        details: ["plugin": name])
    }
    return plugin
  }

  private func status(of file: String) throws(ToolsError) -> PluginStatus {
    guard let entry = entries[file] else {
      throw ToolsError(.pluginNotFound, "Plugin not found: \(file)", details: ["plugin": file])
    }
    return entry.status
  }

  /// See `PluginInventory`.
  public func reload(_ name: String?, isTrial: Bool) throws(ToolsError) -> [PluginReload] {
    if isTrial {
      guard let name else { return tryAll(plugins) }
      return tryAll([try find(name)])
    }
    let forced: Set<String>
    if let name {
      let plugin = try find(name)
      guard plugin.state != .disabled else {
        throw ToolsError(
          .failedPrecondition,
          "plugin \(plugin.file) is disabled (\(plugin.reason)); enable it first",
          details: ["plugin": plugin.file])
      }
      forced = [plugin.file]
    } else {
      forced = Set(plugins.filter { $0.state == .broken }.map(\.file))
    }
    return refresh(forced: forced).reports.compactMap { file, report in
      if name != nil && !forced.contains(file) { return nil }
      switch report {
      case .loaded(let tools): return PluginReload(file: file, .loaded, tools: tools)
      case .failed(let reason): return PluginReload(file: file, .failed, reason: reason)
      case .removed: return PluginReload(file: file, .removed)
      case .waiting:
        return PluginReload(file: file, .failed, reason: "the file is still being written")
      case .disabled: return PluginReload(file: file, .failed, reason: "its settings disable it")
      case .library: return nil
      }
    }
  }

  private func tryAll(_ plugins: [PluginStatus]) -> [PluginReload] {
    let loads = plugins.map { plugin in
      var way = PluginLoad.Way()
      (way.isTrial, way.isCautious) = (true, false)
      return (plugin.file, PluginLoad(plugin.path, placeOfLoads, way))
    }
    for (_, load) in loads { load.start() }
    return loads.map { file, load in
      switch load.wait() {
      case .tried(let tools): PluginReload(file: file, .wouldLoad, tools: tools)
      case .failed(let reason), .incomplete(let reason):
        PluginReload(file: file, .failed, reason: reason)
      case .disabled: PluginReload(file: file, .failed, reason: "its settings disable it")
      case .noPlugin: PluginReload(file: file, .failed, reason: Self.noPlugin(load.path))
      // Both come of what is no trial.
      case .elsewhere, .here: PluginReload(file: file, .wouldLoad)
      }
    }
  }

  /// See `PluginInventory`.
  public func enable(_ name: String) throws(ToolsError) -> PluginStatus {
    let file = try find(name).file
    let isHeld = taking {
      guard entries[file]?.isHeld == true else { return false }
      release(file)
      return true
    }
    // One that serves, or crashes and is about to be started again, is left alone.
    guard isHeld else { return try status(of: file) }
    let look = refresh(forced: [file])
    for case (file, .failed(let reason)) in look.reports {
      throw ToolsError(
        .failedPrecondition, "plugin \(file) cannot be loaded: \(reason)",
        details: ["plugin": file])
    }
    return try status(of: file)
  }

  /// See `PluginInventory`.
  public func disable(_ name: String) throws(ToolsError) -> PluginStatus {
    let file = try find(name).file
    taking { takeAway(file, "by command") }
    tools.logger.notice("plugin disabled", metadata: ["file": "\(file)"])
    return try status(of: file)
  }

  /// See `PluginInventory`.
  public func quarantine(_ name: String, reason: String) throws(ToolsError) -> PluginStatus {
    let plugin = try find(name)
    let isDone = taking {
      entries[plugin.file]?.hold == nil && replaceByQuarantined(plugin.file, reason)
    }
    guard isDone else {
      throw ToolsError(
        .failedPrecondition, "plugin \(plugin.file) does not serve: it is \(plugin.state.rawValue)",
        details: ["plugin": plugin.file])
    }
    tools.logger.notice(
      "plugin quarantined", metadata: ["file": "\(plugin.file)", "reason": "\(reason)"])
    return try status(of: plugin.file)
  }
}
