public import BridgeTools
internal import Glibc
internal import JSON
internal import Threads
internal import TrustedFiles

/// Loads plugins and manifests, and registers their tools.
///
/// Thread-safe: files may be loaded in several threads at once.
public final class PluginHost: Sendable {
  /// What became of one file of the plugin directory.
  public struct LoadReport: Sendable {
    /// The path of the file.
    public let file: String
    /// The tools it brought, or why it was not loaded.
    public let result: Result<[String], PluginError>
  }

  private let tools: ToolHost

  /// - Parameter tools: Where the tools go, and what their calls run on.
  public init(tools: ToolHost) { self.tools = tools }

  /// Loads every `.so` and every `.native.json` of a directory.
  ///
  /// - Returns: A report a file: a file that cannot be loaded is skipped.
  /// - Throws: `PluginError` when the directory itself cannot be used.
  public func loadDirectory(_ path: String) throws(PluginError) -> [LoadReport] {
    let directory = try trusted { () throws(TrustedFileError) in try TrustedDirectory(path) }
    let names = try trusted { () throws(TrustedFileError) in try directory.entries() }
    let place = directory.path
    // Shared objects first: manifests may name them.
    let files = names.filter { $0.hasSuffix(".so") } + names.filter { $0.hasSuffix(".native.json") }
    return files.map { name in
      let file = "\(place)/\(name)"
      do throws(PluginError) {
        return LoadReport(file: file, result: .success(try load(file)))
      } catch {
        return LoadReport(file: file, result: .failure(error))
      }
    }
  }

  /// Loads a plugin or a manifest. What was loaded from the same path before is replaced.
  ///
  /// The file is opened once, checked, and copied: what is written over it later does not matter.
  ///
  /// - Parameter configuration: The plugin's, a JSON object; nil takes that of `NAME.plugin.json` beside
  ///   `NAME.so`, if there is one.
  /// - Returns: The names of its tools.
  public func load(_ path: String, configuration: String? = nil) throws(PluginError) -> [String] {
    let file = try trusted { () throws(TrustedFileError) in try TrustedFile(path) }
    let place = file.path
    let provider: any ToolProvider
    var plugin: Plugin?
    if path.hasSuffix(".native.json") {
      provider = try NativeManifest(file).load(from: place, tools.logger)
    } else {
      let settings = try PluginSettings(beside: place)
      let new = try Plugin(file, settings, on: tools)
      try new.start(configuration: configuration ?? settings.configuration)
      plugin = new
      provider = new
    }
    do {
      try tools.registry.register(provider)
    } catch {
      plugin?.retire()
      throw PluginError("\(place): \(error)")
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
