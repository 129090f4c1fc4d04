internal import BridgeSessions
internal import BridgeTools
internal import JSON

/// A file that makes functions of a shared object into tools: their signatures, and nothing else.
///
/// A wrong signature corrupts memory without a word, so a manifest must say `"trusted": true`:
/// that somebody holds it against the library's header.
struct NativeManifest {
  let plugin: String
  /// Absolute, or a name that the system's loader finds.
  let library: String
  let signatures: [NativeSignature]

  private static let sizeLimit = 1024 * 1024

  /// - Parameter path: Absolute.
  init(reading path: String) throws(PluginError) {
    let bytes = try FilePermissions.read(path, limit: Self.sizeLimit)
    do {
      let manifest = try JSON(parsing: bytes)
      plugin = try manifest.name("plugin")
      guard manifest["trusted"] == .boolean(true) else {
        throw PluginError(
          "native functions run inside the host, which a wrong signature can corrupt: check the "
            + "manifest against the library's header and say \"trusted\": true")
      }
      library = try Self.resolve(try manifest.text("library"), beside: path)
      guard case .array(let tools) = manifest["tools"], !tools.isEmpty else {
        throw PluginError("\"tools\" must be an array that is not empty")
      }
      signatures = try tools.map { try NativeSignature($0) }
    } catch {
      throw PluginError("\(path): \(error)")
    }
  }

  /// A library with a slash in its name is a file beside the manifest, held to the rules of
  /// plugins; one without is the system's.
  private static func resolve(_ library: String, beside path: String) throws -> String {
    guard library.contains("/") else { return library }
    let directory = String(path[..<path.lastIndex(of: "/")!])
    let file = try FilePermissions.absolute(
      library.hasPrefix("/") ? library : "\(directory)/\(library)")
    try FilePermissions.check(file)
    return file
  }

  /// Loads the library and binds the functions.
  func load(from path: String) throws(PluginError) -> NativeLibrary {
    let object = try SharedObject(library)
    var tools: [any Tool] = []
    for signature in signatures {
      tools.append(try NativeTool(signature, in: object, plugin: plugin))
    }
    return NativeLibrary(id: path, name: plugin, tools: tools)
  }
}

extension JSON {
  /// A member that must be a string.
  func text(_ key: String) throws(PluginError) -> String {
    guard case .string(let text) = self[key] else {
      throw PluginError("\"\(key)\" must be a string")
    }
    return text
  }

  /// A member that is a string or not there.
  func optionalText(_ key: String) throws(PluginError) -> String {
    self[key] == nil ? "" : try text(key)
  }

  /// A member that must be a name.
  func name(_ key: String) throws(PluginError) -> String {
    let name = try text(key)
    guard ToolName.isValid(name) else {
      throw PluginError(
        "\"\(key)\": \"\(name)\" must be \(ToolName.rule)")
    }
    return name
  }
}
