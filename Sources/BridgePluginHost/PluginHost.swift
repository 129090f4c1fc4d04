public import BridgeTools

/// Loads plugins and manifests, and registers their tools.
///
/// Thread-safe.
public final class PluginHost: Sendable {
  /// What became of one file of the plugin directory.
  public struct LoadReport: Sendable {
    /// The path of the file.
    public let file: String
    /// The tools it brought, or why it was not loaded.
    public let result: Result<[String], PluginError>
  }

  private let registry: ToolRegistry

  /// - Parameter registry: Where the tools go.
  public init(registry: ToolRegistry) { self.registry = registry }

  /// Loads every `.so` and every `.native.json` of a directory.
  ///
  /// - Returns: A report a file: a file that cannot be loaded is skipped.
  /// - Throws: `PluginError` when the directory itself cannot be used.
  public func loadDirectory(_ path: String) throws(PluginError) -> [LoadReport] {
    let names = try FilePermissions.entries(of: path)
    let directory = try FilePermissions.absolute(path)
    try FilePermissions.check(directory)
    // Shared objects first: manifests may name them.
    let files = names.filter { $0.hasSuffix(".so") } + names.filter { $0.hasSuffix(".native.json") }
    return files.map { name in
      let file = "\(directory)/\(name)"
      do throws(PluginError) {
        return LoadReport(file: file, result: .success(try load(file)))
      } catch {
        return LoadReport(file: file, result: .failure(error))
      }
    }
  }

  /// Loads a plugin or a manifest. What was loaded from the same path before is replaced.
  ///
  /// - Returns: The names of its tools.
  public func load(_ path: String) throws(PluginError) -> [String] {
    let path = try FilePermissions.absolute(path)
    try FilePermissions.checkFile(path)
    let provider: any ToolProvider =
      path.hasSuffix(".native.json")
      ? try NativeManifest(reading: path).load(from: path) : try Plugin(loading: path)
    do {
      try registry.register(provider)
    } catch {
      throw PluginError("\(path): \(error)")
    }
    return provider.tools.map(\.description.name)
  }
}
