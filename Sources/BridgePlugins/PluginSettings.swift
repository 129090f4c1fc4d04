internal import BridgePluginHost
internal import BridgePluginProcess
internal import JSON
internal import TrustedFiles

/// What somebody who serves a plugin says of it, in a file beside it: `NAME.plugin.json` for `NAME.so` and
/// for `NAME.native.json`.
struct PluginSettings {
  /// The plugin's own configuration, a JSON object; nil where nothing is said.
  var configuration: String?
  /// Whether tools that say they are quick may run on event loops.
  var allowsInline = true
  /// Where the plugin's code runs; nil where nothing is said.
  var isolation: PluginIsolation?
  /// Calls that run at once in a process of its own; nil where nothing is said.
  var calls: Int?
  /// How it runs in processes of its own.
  var process = ChildPlugin.Configuration()

  private static let sizeLimit = 1024 * 1024

  private static let keys: Set<String> = [
    "configuration", "inline", "isolation", "grace_seconds", "start_seconds", "concurrency",
    "waiting_calls", "limits",
  ]

  private mutating func read(_ key: String, _ value: JSON) throws(PluginError) {
    switch key {
    case "configuration":
      guard case .object = value else { throw PluginError("must be an object") }
      configuration = value.text
    case "inline":
      guard case .boolean(let flag) = value else { throw PluginError("must be true or false") }
      allowsInline = flag
    case "isolation":
      guard case .string(let name) = value, let isolation = PluginIsolation(rawValue: name) else {
        throw PluginError("must be one of \(PluginIsolation.names)")
      }
      self.isolation = isolation
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

  private static let limits: Set<String> = [
    "memory_bytes", "cpu_seconds", "open_files", "processes",
  ]

  private mutating func readLimit(_ key: String, _ value: JSON) throws(PluginError) {
    let limit = UInt64(try Self.whole(value, 1...Int64.max))
    switch key {
    case "memory_bytes": process.limits.memory = limit
    case "cpu_seconds": process.limits.cpuSeconds = limit
    case "open_files": process.limits.openFiles = limit
    case "processes": process.limits.processes = limit
    default: break
    }
  }

  /// Where the settings of a plugin are.
  static func path(for plugin: String) -> String {
    for ending in [".native.json", ".so"] where plugin.hasSuffix(ending) {
      return plugin.dropLast(ending.count) + ".plugin.json"
    }
    return plugin + ".plugin.json"
  }

  /// Reads the file beside a plugin, if there is one.
  ///
  /// - Throws: `PluginError` when it cannot be used, with the key.
  init(beside plugin: String) throws(PluginError) {
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
    of value: JSON, known: Set<String>
  ) throws(PluginError) -> [JSON.Member] {
    guard case .object(let members) = value else {
      throw PluginError("it must hold a JSON object")
    }
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
    return members
  }

  private static func whole(
    _ value: JSON, _ range: ClosedRange<Int64>
  ) throws(PluginError) -> Int64 {
    guard case .integer(let number) = value, range.contains(number) else {
      throw PluginError("must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func nanoseconds(
    _ value: JSON, _ range: ClosedRange<Double>
  ) throws(PluginError) -> Int64 {
    let seconds: Double? =
      switch value {
      case .integer(let number): Double(number)
      case .number(let number): number
      default: nil
      }
    guard let seconds, range.contains(seconds) else {
      throw PluginError("must be seconds from \(range.lowerBound) to \(range.upperBound)")
    }
    return Int64(seconds * 1_000_000_000)
  }
}
