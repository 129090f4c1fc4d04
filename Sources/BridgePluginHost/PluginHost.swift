public import BridgeTools
internal import Glibc
internal import JSON
internal import Threads
package import TrustedFiles

/// Loads plugins and manifests, and registers their tools.
///
/// Thread-safe: files may be loaded in several threads at once.
public final class PluginHost: Sendable {
  private let tools: ToolHost
  private let isIsolated: Bool

  /// - Parameters:
  ///   - tools: Where the tools go, and what their calls run on.
  ///   - isIsolated: Whether this process is there for plugins alone: then manifests need no trust.
  public init(tools: ToolHost, isIsolated: Bool = false) {
    self.tools = tools
    self.isIsolated = isIsolated
  }

  /// Whether a manifest says that its functions may run in the host.
  ///
  /// - Throws: `PluginError` when it cannot be used.
  package static func isTrusted(_ file: borrowing TrustedFile) throws(PluginError) -> Bool {
    try NativeManifest(file, nil).isTrusted
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
    let place = file.path
    let provider: any ToolProvider
    var plugin: Plugin?
    if path.hasSuffix(".native.json") {
      let digests = FileDigests(options)
      let manifest = try NativeManifest(file, digests)
      if !isIsolated { try manifest.checkTrust(place) }
      provider = try manifest.load(from: place, options.selection, digests, tools.logger)
    } else {
      let new = try Plugin(file, options, on: tools)
      try new.start(options)
      plugin = new
      provider = new
    }
    do {
      try tools.registry.register(provider)
    } catch {
      plugin?.retire()
      throw PluginError(registering: place, error)
    }
    return provider.tools.map(\.description.name)
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
