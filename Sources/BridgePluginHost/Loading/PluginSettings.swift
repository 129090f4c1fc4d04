internal import JSON
internal import TrustedFiles

/// What somebody who serves a plugin says of it, in a file beside it: `NAME.plugin.json` for `NAME.so`.
struct PluginSettings {
  /// The plugin's own configuration, a JSON object; nil where nothing is said.
  var configuration: String?

  private static let sizeLimit = 1024 * 1024

  init(configuration: String?) { self.configuration = configuration }

  /// Reads the file beside a plugin, if there is one.
  ///
  /// - Throws: `PluginError` when it cannot be used.
  init(beside plugin: String) throws(PluginError) {
    let path = (plugin.hasSuffix(".so") ? String(plugin.dropLast(3)) : plugin) + ".plugin.json"
    let bytes: [UInt8]
    do throws(TrustedFileError) {
      bytes = try TrustedFile(path).read(limit: Self.sizeLimit)
    } catch {
      if error.isMissing {
        configuration = nil
        return
      }
      throw PluginError(error.message)
    }
    do {
      configuration = try Self.configuration(in: JSON(parsing: bytes))
    } catch {
      throw PluginError("\(path): \(error)")
    }
  }

  private static func configuration(in settings: JSON) throws(PluginError) -> String? {
    guard case .object = settings else { throw PluginError("it must hold a JSON object") }
    try settings.checkKeys(["configuration"])
    switch settings["configuration"] {
    case .object?: return settings["configuration"]?.text
    case nil: return nil
    default: throw PluginError("\"configuration\" must be an object")
    }
  }
}
