public import BridgeTools
internal import Glibc
internal import JSON
internal import Threads
internal import TrustedFiles

/// Loads plugins and manifests, and registers their tools.
///
/// Thread-safe: files may be loaded in several threads at once.
public final class PluginHost: Sendable {
  private let tools: ToolHost
  private let isIsolated: Bool
  private let inspector: (any HostInspector)?
  private let loadsInPlace: Bool

  /// - Parameters:
  ///   - tools: Where the tools go, and what their calls run on.
  ///   - isIsolated: Whether this process is there for plugins alone: then manifests need no trust.
  public init(tools: ToolHost, isIsolated: Bool = false) {
    self.tools = tools
    self.isIsolated = isIsolated
    inspector = nil
    loadsInPlace = false
  }

  /// Manifests need no trust.
  ///
  /// - Parameters:
  ///   - inspector: Sees what the plugins ask of the host.
  ///   - loadsInPlace: Whether shared objects are loaded from where they are, where debuggers find them;
  ///     each once, then.
  package init(tools: ToolHost, inspector: any HostInspector, loadsInPlace: Bool) {
    self.loadsInPlace = loadsInPlace
    self.tools = tools
    self.inspector = inspector
    isIsolated = true
  }

  /// Whether the code of a plugin may run in the host: a shared object's, and that of a manifest that says
  /// so.
  ///
  /// - Throws: `PluginError` when it is a manifest that cannot be used.
  package static func mayRunHere(_ files: PluginFiles) throws(PluginError) -> Bool {
    guard files.isManifest else { return true }
    let file: TrustedFile
    do {
      file = try files.file(files.path)
    } catch {
      throw PluginError(error.message)
    }
    return try NativeManifest(file, nil).isTrusted
  }

  /// Loads a plugin or a manifest. What was loaded from the same path before is replaced.
  ///
  /// The file is opened once, checked, and copied: what is written over it later does not matter.
  ///
  /// - Parameters:
  ///   - path: Of a `.so` or a `.native.json`.
  ///   - options: What whoever serves it says of it.
  /// - Returns: The names of its tools.
  public func load(
    _ path: String, _ options: LoadOptions = LoadOptions()
  ) throws(PluginError) -> [String] {
    let file = try trusted { () throws(TrustedFileError) in try TrustedFile(path) }
    let provider = try open(
      file, isManifest: path.hasSuffix(PluginFiles.manifestEnding), from: nil, as: file.path,
      options)
    return try register(provider, path: file.path)
  }

  /// Enters a plugin that is part of this program, and registers its tools.
  ///
  /// - Parameters:
  ///   - entry: Its `bridge_plugin_entry`, or another function of that type.
  ///   - id: What it is registered as.
  /// - Returns: The names of its tools.
  package func load(
    entry: UnsafeMutableRawPointer, as id: String, _ options: LoadOptions = LoadOptions()
  ) throws(PluginError) -> [String] {
    let plugin = try Plugin(entry: entry, as: id, options, on: tools, inspector: inspector)
    try plugin.start(options)
    return try register(plugin, path: id)
  }

  private func register(
    _ provider: any ToolProvider, path: String
  ) throws(PluginError) -> [String] {
    do {
      try tools.registry.register(provider)
    } catch {
      provider.retire()
      throw PluginError(registering: path, error)
    }
    return provider.tools.map(\.description.name)
  }

  /// Loads a plugin or a manifest from copies of its files, and has it start. Nothing is registered.
  ///
  /// - Parameters:
  ///   - id: What it will be registered as.
  ///   - options: What whoever serves it says of it.
  /// - Returns: What brings its tools; the caller retires it where it is not registered.
  package func open(
    _ files: PluginFiles, as id: String, _ options: LoadOptions
  ) throws(PluginError) -> any ToolProvider {
    let file = try trusted { () throws(TrustedFileError) in try files.file(files.path) }
    return try open(file, isManifest: files.isManifest, from: files, as: id, options)
  }

  private func open(
    _ file: borrowing TrustedFile, isManifest: Bool, from files: PluginFiles?, as id: String,
    _ options: LoadOptions
  ) throws(PluginError) -> any ToolProvider {
    if isManifest {
      let place = file.path
      let digests = FileDigests(options)
      let manifest = try NativeManifest(file, digests)
      if !isIsolated { try manifest.checkTrust(place) }
      return try manifest.load(
        from: place, files, as: id, options.selection, digests, tools.logger)
    }
    let plugin = try Plugin(
      file, from: files, as: id, options, on: tools, inspector: inspector,
      inPlace: loadsInPlace)
    try plugin.start(options)
    return plugin
  }

  private func trusted<Result: ~Copyable>(
    _ body: () throws(TrustedFileError) -> Result
  ) throws(PluginError) -> Result {
    do {
      return try body()
    } catch {
      throw PluginError(error.message)
    }
  }

  /// Takes the tools of a plugin or manifest away. Its calls go on to their end; then the plugin is told to
  /// stop, and its code goes if it says that it can.
  ///
  /// - Returns: Whether there was one.
  public func unload(_ path: String) -> Bool {
    // As `load` names it: without links.
    let id = realpath(path, nil).map { resolved in
      defer { free(resolved) }
      return String(cString: resolved)
    }
    return tools.registry.remove(id ?? path) != nil
  }

  /// Takes all tools away and waits until the plugins have stopped.
  ///
  /// - Parameter moment: Of `MonotonicClock`: waits no longer.
  /// - Returns: The names of the plugins that had not stopped by then.
  public func unloadAll(until moment: Int64) -> [String] {
    let plugins = tools.registry.generations.compactMap { $0.provider as? Plugin }
    for plugin in plugins { tools.registry.remove(plugin.id) }
    return plugins.filter { !$0.waitUntilStopped(until: moment) }.map(\.name)
  }

  /// A table of functions that a plugin offers, by name and revision; nil where it has none.
  ///
  /// - Parameter plugin: The plugin's name.
  func table(of plugin: String, _ name: String, revision: UInt32) -> UnsafeRawPointer? {
    let plugins = tools.registry.generations.compactMap { $0.provider as? Plugin }
    return plugins.last { $0.name == plugin }?.table(name, revision: revision)
  }
}
