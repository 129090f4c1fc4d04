internal import CPluginTemplates
internal import Glibc

/// What a new plugin in one language begins with.
public struct PluginTemplate: Sendable {
  /// A file of the new folder.
  public struct File: Sendable {
    /// In the folder, with "/" between its parts.
    public let path: String
    /// What is in it.
    public let text: String
    /// Whether it can be run.
    public let isProgram: Bool
  }

  /// The language.
  public let language: PluginLanguage
  /// The plugin's name.
  public let name: NewPluginName

  /// What a plugin of that language and name begins with.
  public init(_ language: PluginLanguage, name: NewPluginName) {
    self.language = language
    self.name = name
  }

  /// The files, the name filled in.
  public var files: [File] {
    var count = 0
    let all = UnsafeBufferPointer(start: plugin_template_files(&count), count: count)
    return all.filter { String(cString: $0.language) == language.rawValue }.map { file in
      let path = String(cString: file.path)
      let text = String(
        decoding: UnsafeBufferPointer(start: file.data, count: file.length), as: UTF8.self)
      guard file.is_template != 0 else {
        return File(path: path, text: text, isProgram: file.is_program != 0)
      }
      return File(
        path: name.filledIn(path), text: name.filledIn(text), isProgram: file.is_program != 0)
    }
  }

  /// What builds the plugin, in its folder.
  public var buildCommand: String { name.filledIn(language.buildCommand) }

  /// The shared object that the command leaves, in the folder.
  public var product: String { name.filledIn(language.product) }

  /// Writes the folder.
  ///
  /// - Parameter directory: Is made if it is not there; one that holds anything is refused.
  /// - Throws: `PluginTemplateError`; what was written by then stays.
  public func write(to directory: String) throws(PluginTemplateError) {
    try Self.makeDirectory(directory)
    guard try Self.isEmpty(directory) else {
      throw PluginTemplateError("\(directory) is not empty: nothing was written")
    }
    var made: Set<String> = []
    for file in files {
      var parent = directory
      for part in file.path.split(separator: "/").dropLast() {
        parent += "/\(part)"
        if made.insert(parent).inserted { try Self.makeDirectory(parent) }
      }
      try Self.write(file, to: "\(directory)/\(file.path)")
    }
  }

  private static func makeDirectory(_ path: String) throws(PluginTemplateError) {
    if mkdir(path, 0o755) != 0 && errno != EEXIST { throw failure(path, "cannot be made") }
  }

  private static func isEmpty(_ path: String) throws(PluginTemplateError) -> Bool {
    guard let entries = opendir(path) else { throw failure(path, "cannot be read") }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { return false }
    }
    return true
  }

  private static func write(_ file: File, to path: String) throws(PluginTemplateError) {
    let descriptor = open(
      path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file.isProgram ? 0o755 : 0o644)
    guard descriptor >= 0 else { throw failure(path, "cannot be written") }
    defer { close(descriptor) }
    var rest = Array(file.text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure(path, "cannot be written")
      }
      rest = rest.dropFirst(count)
    }
  }

  private static func failure(_ path: String, _ what: String) -> PluginTemplateError {
    PluginTemplateError("\(path) \(what): \(String(cString: strerror(errno)))")
  }
}
