internal import BridgePluginHost
internal import BridgePluginProcess
internal import BridgeTools
internal import JSON
internal import TrustedFiles

/// What somebody who serves a plugin says of it, in a file beside it: `NAME.plugin.json` for `NAME.so` and
/// for `NAME.native.json`.
struct PluginSettings {
  /// How it is loaded.
  var options = LoadOptions()
  /// Whether it is served at all.
  var isEnabled = true
  /// Where the plugin's code runs; nil where nothing is said.
  var isolation: PluginIsolation?
  /// What its processes give up; nil where nothing is said.
  var profile: Set<PluginProfile>?
  /// Calls that run at once in a process of its own; nil where nothing is said.
  var calls: Int?
  /// How it runs in processes of its own.
  var process = ChildPlugin.Configuration()

  /// What is to be told of it, beside what is wrong.
  var warnings: [String] = []
  /// The plugin's file.
  private let plugin: String

  private static let sizeLimit = 1024 * 1024

  static let keys: Set<String> = [
    "configuration", "concurrency", "enabled", "grace_seconds", "inline", "isolation", "limits",
    "prefix", "profile",
    "renames", "sha256", "start_seconds", "tools", "waiting_calls",
  ]

  private mutating func read(_ key: String, _ value: JSON) throws(PluginError) {
    switch key {
    case "configuration":
      var references = ConfigurationReferences(directory: Self.directory(of: plugin))
      options.configuration = try references.resolve(value).text
      options.isConfigurationSecret = references.hasResolved
      warnings += references.warnings
    case "inline":
      options.allowsInline = try Self.flag(value)
    case "enabled": isEnabled = try Self.flag(value)
    case "sha256": try readDigests(value)
    case "tools":
      options.selection.names = try Self.names(value)
    case "prefix": options.selection.prefix = try Self.name(value)
    case "renames":
      options.selection.renames = try Self.texts(value, "tool names") {
        (name) throws(PluginError) in try Self.name(name)
      }
    case "isolation":
      guard case .string(let name) = value, let isolation = PluginIsolation(rawValue: name) else {
        throw PluginError("must be one of \(PluginIsolation.names)")
      }
      self.isolation = isolation
    case "profile": profile = try Self.profile(value)
    case "grace_seconds": process.grace = try Self.nanoseconds(value, 0...3600)
    case "start_seconds": process.startTime = try Self.nanoseconds(value, 0.001...3600)
    case "concurrency": calls = Int(try Self.whole(value, 1...10_000))
    case "waiting_calls": process.waitingCalls = Int(try Self.whole(value, 0...1_000_000))
    case "limits":
      guard case .object = value else { throw PluginError("must be an object") }
      for member in try Self.members(of: value, known: Self.limits) {
        try JSONPlace.Step.key(member.key).within { () throws(PluginError) in
          try readLimit(member.key, member.value)
        }
      }
    default: break
    }
  }

  static let limits: Set<String> = [
    "memory_bytes", "cpu_seconds", "cpus", "open_files", "processes",
  ]

  private mutating func readLimit(_ key: String, _ value: JSON) throws(PluginError) {
    if key == "cpus" {
      let number = try Self.number(value, 0.01...1024, "a number of processors")
      process.limits.processorMillionths = UInt64(number * 1_000_000)
      return
    }
    let limit = UInt64(try Self.whole(value, 1...Int64.max))
    switch key {
    case "memory_bytes": process.limits.memory = limit
    case "cpu_seconds": process.limits.cpuSeconds = limit
    case "open_files": process.limits.openFiles = limit
    case "processes": process.limits.processes = limit
    default: break
    }
  }

  // MARK: Digests and names

  private mutating func readDigests(_ value: JSON) throws(PluginError) {
    if case .string = value {
      options.digest = try Self.digest(value)
      return
    }
    let digests = try Self.texts(value, "a SHA-256 in 64 hexadecimal digits, or file names") {
      (digest) throws(PluginError) in try Self.digest(digest)
    }
    let name = plugin.split(separator: "/").last.map(String.init) ?? plugin
    options.digest = digests[name]
    options.libraryDigests = digests.filter { $0.key != name }
  }

  private static func digest(_ value: JSON) throws(PluginError) -> String {
    guard case .string(let text) = value, SHA256.isDigest(text) else {
      throw PluginError("must be a SHA-256 in 64 hexadecimal digits")
    }
    return text
  }

  private static func name(_ value: JSON) throws(PluginError) -> String {
    guard case .string(let name) = value, ToolName.isValid(name) else {
      throw PluginError("must be \(ToolName.rule)")
    }
    return name
  }

  private static func names(_ value: JSON) throws(PluginError) -> [String] {
    guard case .array(let elements) = value, !elements.isEmpty else {
      throw PluginError("must be an array of names that is not empty")
    }
    var names: [String] = []
    for (index, element) in elements.enumerated() {
      let name = try JSONPlace.Step.index(index).within { () throws(PluginError) -> String in
        try self.name(element)
      }
      guard !names.contains(name) else {
        throw PluginError("\(name) is there twice", at: .index(index))
      }
      names.append(name)
    }
    return names
  }

  /// Reads an object of texts.
  private static func texts(
    _ value: JSON, _ keys: String, _ read: (JSON) throws(PluginError) -> String
  ) throws(PluginError) -> [String: String] {
    guard case .object(let members) = value, !members.isEmpty else {
      throw PluginError("must be \(keys) with what stands for each")
    }
    var texts: [String: String] = [:]
    for member in try Self.members(of: value, known: nil) {
      texts[member.key] = try JSONPlace.Step.key(member.key).within { () throws(PluginError) in
        try read(member.value)
      }
    }
    return texts
  }

  private static func profile(_ value: JSON) throws(PluginError) -> Set<PluginProfile> {
    func read(_ value: JSON) throws(PluginError) -> PluginProfile {
      guard case .string(let name) = value, let profile = PluginProfile(rawValue: name) else {
        throw PluginError("must be one of \(PluginProfile.names), or an array of these")
      }
      return profile
    }
    guard case .array(let elements) = value else { return [try read(value)] }
    guard !elements.isEmpty else {
      throw PluginError("must be one of \(PluginProfile.names), or an array of these")
    }
    var profiles: Set<PluginProfile> = []
    for (index, element) in elements.enumerated() {
      let profile = try JSONPlace.Step.index(index).within {
        () throws(PluginError) -> PluginProfile in try read(element)
      }
      guard profiles.insert(profile).inserted else {
        throw PluginError("\(profile.rawValue) is there twice", at: .index(index))
      }
    }
    guard profiles.count == 1 || !profiles.contains(.none) else {
      throw PluginError("none stands alone")
    }
    return profiles
  }

  private static func flag(_ value: JSON) throws(PluginError) -> Bool {
    guard case .boolean(let flag) = value else { throw PluginError("must be true or false") }
    return flag
  }

  // MARK: The file

  /// Where the settings of a plugin are.
  static func path(for plugin: String) -> String { SettingsFile.path(beside: plugin) }

  private static func directory(of path: String) -> String {
    String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }

  /// Reads the file beside a plugin, if there is one.
  ///
  /// - Throws: `PluginError` when it cannot be used, with the key.
  init(beside plugin: String) throws(PluginError) {
    self.plugin = plugin
    let path = Self.path(for: plugin)
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
      throw PluginError(error, in: bytes, of: path)
    }
  }

  private mutating func read(_ settings: JSON) throws(PluginError) {
    for member in try Self.members(of: settings, known: Self.keys) {
      try JSONPlace.Step.key(member.key).within { () throws(PluginError) in
        try read(member.key, member.value)
      }
    }
  }

  private static func members(
    of value: JSON, known: Set<String>?
  ) throws(PluginError) -> [JSON.Member] {
    guard case .object(let members) = value else {
      throw PluginError("it must hold a JSON object")
    }
    var seen: Set<String> = []
    for member in members {
      if let known, !known.contains(member.key) {
        throw PluginError(
          "unknown key \"\(member.key)\"; there are \(known.sorted().joined(separator: ", "))",
          at: member.key)
      }
      guard seen.insert(member.key).inserted else {
        throw PluginError("\"\(member.key)\" is there twice", at: member.key)
      }
    }
    return members
  }

  private static func whole(
    _ value: JSON, _ range: ClosedRange<Int64>
  ) throws(PluginError) -> Int64 {
    let number: Int64? =
      switch value {
      case .integer(let number): number
      // As in JSON Schema, 1.0 is whole.
      case .number(let number): Int64(exactly: number)
      default: nil
      }
    guard let number, range.contains(number) else {
      throw PluginError("must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func nanoseconds(
    _ value: JSON, _ range: ClosedRange<Double>
  ) throws(PluginError) -> Int64 {
    Int64(try number(value, range, "seconds") * 1_000_000_000)
  }

  private static func number(
    _ value: JSON, _ range: ClosedRange<Double>, _ what: String
  ) throws(PluginError) -> Double {
    let number: Double? =
      switch value {
      case .integer(let number): Double(number)
      case .number(let number): number
      default: nil
      }
    guard let number, range.contains(number) else {
      throw PluginError("must be \(what) from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
