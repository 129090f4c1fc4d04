internal import JSON
internal import TrustedFiles

/// What somebody who serves a plugin says of it, in a file beside it: `NAME.plugin.json` for `NAME.so`.
struct PluginSettings {
  /// The plugin's own configuration, a JSON object; nil where nothing is said.
  var configuration: String?
  /// Whether tools that say they are quick may run on event loops.
  var allowsInline = true

  private static let sizeLimit = 1024 * 1024

  /// Reads the file beside a plugin, if there is one.
  ///
  /// - Throws: `PluginError` when it cannot be used.
  init(beside plugin: String) throws(PluginError) {
    let path = (plugin.hasSuffix(".so") ? String(plugin.dropLast(3)) : plugin) + ".plugin.json"
    let bytes: [UInt8]
    do throws(TrustedFileError) {
      bytes = try TrustedFile(path).read(limit: Self.sizeLimit)
    } catch {
      if error.isMissing { return }
      throw PluginError(error.message)
    }
    do {
      try read(JSON(parsing: bytes))
    } catch {
      throw PluginError("\(path): \(error)")
    }
  }

  private mutating func read(_ settings: JSON) throws(PluginError) {
    guard case .object = settings else { throw PluginError("it must hold a JSON object") }
    try settings.checkKeys(["configuration", "inline"])
    switch settings["configuration"] {
    case .object?: configuration = settings["configuration"]?.text
    case nil: break
    default: throw PluginError("\"configuration\" must be an object")
    }
    switch settings["inline"] {
    case .boolean(let flag)?: allowsInline = flag
    case nil: break
    default: throw PluginError("\"inline\" must be true or false")
    }
  }
}
