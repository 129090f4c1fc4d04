internal import BridgeTools

/// The file in which somebody who serves a plugin says how.
package enum SettingsFile {
  /// Where it is: `NAME.plugin.json` for `NAME.so` and for `NAME.native.json`.
  package static func path(beside plugin: String) -> String {
    for ending in [".native.json", ".so"] where plugin.hasSuffix(ending) {
      return plugin.dropLast(ending.count) + ".plugin.json"
    }
    return plugin + ".plugin.json"
  }
}

extension ToolSelection {
  /// `served(_:)` of a plugin's tools.
  ///
  /// - Parameter path: The plugin's.
  func served(_ declared: [String], by path: String) throws(PluginError) -> [String?] {
    do throws(Fault) {
      return try served(declared)
    } catch {
      throw PluginError("\(SettingsFile.path(beside: path)): \(error.key): \(error.message)")
    }
  }
}
