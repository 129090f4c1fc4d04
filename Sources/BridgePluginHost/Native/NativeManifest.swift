internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import JSON
internal import Logging
internal import TrustedFiles

/// A file that makes functions of a shared object into tools: their signatures, and nothing else.
///
/// A wrong signature corrupts memory without a word. So functions run in a process of their own, unless a
/// manifest says `"trusted": true`: that somebody holds it against the library's header.
struct NativeManifest {
  let plugin: String
  let version: String
  /// A name that the system's loader finds, or a path: see `load`.
  let library: String
  let signatures: [NativeSignature]
  /// Whether its functions may run in the host.
  let isTrusted: Bool
  private let text: [UInt8]

  private static let sizeLimit = 1024 * 1024

  /// Reads a manifest.
  ///
  /// - Parameter digests: What it is held to; nil for a look at it.
  /// - Throws: `PluginError` that says what is wrong, and where.
  init(_ file: borrowing TrustedFile, _ digests: FileDigests?) throws(PluginError) {
    let path = file.path
    do throws(TrustedFileError) {
      text = try file.read(limit: Self.sizeLimit)
    } catch {
      throw PluginError(error.message)
    }
    if let digests { try Self.check(text, digests, path) }
    do {
      let manifest = try JSON(parsing: text)
      try manifest.checkKeys([
        "plugin", "version", "description", "library", "trusted", "structs", "callbacks", "handles",
        "tools",
      ])
      plugin = try manifest.name("plugin")
      switch manifest["trusted"] {
      case .boolean(let flag)?: isTrusted = flag
      case nil: isTrusted = false
      default: throw PluginError("must be true or false", at: "trusted")
      }
      library = try manifest.text("library")
      version = try manifest.optionalText("version")
      _ = try manifest.optionalText("description")
      let declarations = try NativeDeclarations(manifest)
      guard case .array(let tools) = manifest["tools"], !tools.isEmpty else {
        throw PluginError("\"tools\" must be an array that is not empty", at: "tools")
      }
      signatures = try JSONPlace.Step.key("tools").within { () throws(PluginError) in
        try tools.readEach { (tool) throws(PluginError) in try NativeSignature(tool, declarations) }
      }
    } catch {
      throw PluginError(error, in: text, of: path)
    }
  }

  private static func check(
    _ text: [UInt8], _ digests: FileDigests, _ path: String
  ) throws(PluginError) {
    var outcome: Result<Void, PluginError> = .success(())
    text.withUnsafeBytes { bytes in
      do throws(PluginError) {
        try digests.check(bytes, of: .plugin)
      } catch {
        outcome = .failure(PluginError("\(path): \(error)"))
      }
    }
    try outcome.get()
  }

  /// Refuses a manifest whose functions are not to run in the host.
  ///
  /// - Throws: `PluginError`.
  func checkTrust(_ path: String) throws(PluginError) {
    if isTrusted { return }
    throw PluginError(
      PluginError(
        "native functions are to run inside the host, which a wrong signature can corrupt: check the "
          + "manifest against the library's header and say \"trusted\": true", at: "trusted"),
      in: text, of: path)
  }

  /// Loads the library and binds the functions.
  ///
  /// A library with a slash in its name is a file beside the manifest, held to the rules of plugins; one
  /// without is the system's.
  ///
  /// - Parameters:
  ///   - path: The manifest's, without links.
  ///   - files: Copies to take instead of files; nil where there are none.
  ///   - id: What the library is registered as.
  ///   - selection: Which of its tools are served.
  ///   - digests: What the library is held to.
  func load(
    from path: String, _ files: PluginFiles?, as id: String, _ selection: ToolSelection,
    _ digests: FileDigests, _ logger: Logger
  ) throws(PluginError) -> NativeLibrary {
    let names = try selection.served(signatures.map(\.toolName), by: path)
    do throws(PluginError) {
      let object = try JSONPlace.Step.key("library").within {
        () throws(PluginError) -> SharedObject in
        try self.object(beside: path, files, digests)
      }
      ProcessGuard.shared.look(after: "loading \(object.path)", logger)
      let handles = NativeHandles { type, pointer in
        guard let function = object.symbol(type.destroy) else { return }
        PluginCode.release(
          unsafeBitCast(function, to: bridge_release.self),
          UnsafeMutableRawPointer(bitPattern: pointer))
      }
      let debugInfo = object.withFile { file in
        NativeDebugInfo(file, of: Set(signatures.map(\.symbol)), object.path, logger)
      }
      var tools: [any Tool] = []
      for (index, signature) in signatures.enumerated() {
        guard let name = names[index] else { continue }
        try JSONPlace.Step.key("tools").within { () throws(PluginError) in
          try JSONPlace.Step.index(index).within { () throws(PluginError) in
            try debugInfo??.check(signature)
          }
        }
        var signature = signature
        signature.toolName = name
        do throws(PluginError) {
          tools.append(try NativeTool(signature, in: object, handles, plugin: plugin, logger))
        } catch {
          var error = error
          error.place = JSONPlace([.key("tools"), .index(index), .key("symbol")])
          throw error
        }
      }
      return NativeLibrary(id: id, name: plugin, version: version, tools: tools, handles)
    } catch {
      throw PluginError(error, in: text, of: path)
    }
  }

  /// Where the library is; nil where it is the system's.
  ///
  /// - Parameter path: The manifest's, without links.
  func libraryFile(beside path: String) -> String? {
    guard library.utf8.contains(UInt8(ascii: "/")) else { return nil }
    if library.utf8.first == UInt8(ascii: "/") { return library }
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/" + library
  }

  /// Loads the library alone.
  ///
  /// - Parameter path: The manifest's, without links.
  func library(beside path: String) throws(PluginError) -> SharedObject {
    try object(beside: path, nil, FileDigests(LoadOptions()))
  }

  private func object(
    beside path: String, _ files: PluginFiles?, _ digests: FileDigests
  ) throws(PluginError) -> SharedObject {
    guard let place = libraryFile(beside: path) else {
      try digests.checkAllSeen()
      return try SharedObject(system: library)
    }
    let file: TrustedFile
    do throws(TrustedFileError) {
      file = try PluginFiles.file(place, of: files)
    } catch {
      throw PluginError(error.message)
    }
    let name = String(place[(place.lastIndex(of: "/") ?? place.startIndex)...].dropFirst())
    return try SharedObject(file, .library(name), digests, from: files)
  }
}

extension JSON {
  /// Refuses members that nothing here reads, as a misspelled one is.
  func checkKeys(_ known: Set<String>) throws(PluginError) {
    guard case .object(let members) = self else { return }
    var seen: Set<String> = []
    for member in members {
      guard known.contains(member.key) else {
        throw PluginError(
          "unknown key \"\(member.key)\"; there are \(known.sorted().joined(separator: ", "))",
          at: member.key)
      }
      guard seen.insert(member.key).inserted else {
        throw PluginError("\"\(member.key)\" is there twice", at: member.key)
      }
    }
  }

  /// A member that must be a string.
  func text(_ key: String) throws(PluginError) -> String {
    guard case .string(let text) = self[key] else {
      throw PluginError("\"\(key)\" must be a string", at: key)
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
        "\"\(key)\": \"\(name)\" must be \(ToolName.rule)", at: key)
    }
    return name
  }
}

extension [JSON] {
  /// Reads every element.
  ///
  /// - Throws: What `read` throws, whose place is from its element.
  func readEach<Result>(
    _ read: (JSON) throws(PluginError) -> Result
  ) throws(PluginError) -> [Result] {
    var results: [Result] = []
    for (index, element) in enumerated() {
      results.append(
        try JSONPlace.Step.index(index).within { () throws(PluginError) in try read(element) })
    }
    return results
  }
}
