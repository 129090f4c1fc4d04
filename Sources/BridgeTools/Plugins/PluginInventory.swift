/// The plugins of a host, for those who look after them.
///
/// Thread-safe. What changes something may take as long as a plugin takes to load: not for event loops.
public protocol PluginInventory: AnyObject, Sendable {
  /// Every plugin there is, by file.
  var plugins: [PluginStatus] { get }

  /// Loads a plugin anew, whether or not its file has changed, and waits for it. When it cannot be loaded, what
  /// was there goes on serving.
  ///
  /// - Parameters:
  ///   - name: See `PluginStatus.answers(to:)`; nil takes every plugin whose files have changed, and every
  ///     one that is broken.
  ///   - isTrial: Whether the files are only tried, each in a process of its own, and nothing changes; without
  ///     a name, all of them.
  /// - Returns: What became of each.
  /// - Throws: `ToolsError` with code `pluginNotFound` or `failedPrecondition`.
  func reload(_ name: String?, isTrial: Bool) throws(ToolsError) -> [PluginReload]

  /// Puts a plugin into service that was disabled or quarantined: loads it, and waits for that.
  ///
  /// - Throws: As `reload`; `failedPrecondition` also when it cannot be loaded.
  func enable(_ name: String) throws(ToolsError) -> PluginStatus

  /// Takes a plugin and its tools away until it is enabled, or the host ends. Calls that run go on.
  ///
  /// - Throws: As `reload`.
  func disable(_ name: String) throws(ToolsError) -> PluginStatus

  /// Takes a plugin out of service until it is enabled, or its file is replaced. Its tools are listed as
  /// before, and calls of them fail. Calls that run go on.
  ///
  /// - Parameter reason: Callers are told.
  /// - Throws: As `reload`.
  func quarantine(_ name: String, reason: String) throws(ToolsError) -> PluginStatus
}

/// One plugin of a host.
public struct PluginStatus: Sendable, Equatable {
  /// Whether a plugin's tools can be called.
  public enum State: String, Sendable, CaseIterable {
    /// Its tools can be called.
    case serving
    /// It is being loaded, or its file is being written; nothing of it serves yet.
    case loading
    /// It cannot be loaded, and nothing of it serves.
    case broken
    /// It was taken out of service: its tools are listed, and their calls fail.
    case quarantined
    /// Somebody does not want it served.
    case disabled
  }

  /// The file's name in its directory.
  public var file: String
  /// The file's path.
  public var path: String
  /// As the plugin says; empty where it was never loaded.
  public var name = ""
  /// As the plugin says; empty where it says none.
  public var version = ""
  /// Whether its tools can be called.
  public var state = State.loading
  /// Why it is in that state, in a sentence; or, where it serves, why the file as it is now does not.
  public var reason = ""
  /// Where its code runs: `in-process`, `child` or `per-call`; empty where it does not.
  public var isolation = ""
  /// Counts what was loaded of this file, from 1; 0 where nothing was.
  public var generation = 0
  /// When the present generation was loaded: nanoseconds of the clock of the day since 1970; 0 where there is
  /// none.
  public var loadedAt: Int64 = 0
  /// The names of the tools it brings.
  public var tools: [String] = []
  /// How often its processes have crashed since the host has started.
  public var crashes = 0
  /// Its processes; empty where it runs in the host.
  public var processes: [Int32] = []
  /// Calls that run in the present generation.
  public var calls = 0
  /// Generations before this one whose calls have not ended.
  public var draining = 0

  /// A plugin of which nothing but its file is known.
  public init(file: String, path: String) {
    self.file = file
    self.path = path
  }

  /// Whether somebody may mean this plugin: by its file's name, by that without its ending, or by the name it
  /// says it has.
  public func answers(to name: String) -> Bool { name == file || name == stem || name == self.name }

  /// The file's name without its ending.
  public var stem: String {
    for ending in [".native.json", ".so"] where file.hasSuffix(ending) {
      return String(file.dropLast(ending.count))
    }
    return file
  }
}

/// What became of a plugin that was to be loaded anew.
public struct PluginReload: Sendable, Equatable {
  /// What happened.
  public enum Outcome: String, Sendable, CaseIterable {
    /// A new generation serves.
    case loaded
    /// It was tried, and could be loaded.
    case wouldLoad = "would_load"
    /// It cannot be loaded; what served before does.
    case failed
    /// Its file is gone, and so are its tools.
    case removed
  }

  /// The file's name.
  public var file: String
  /// What happened.
  public var outcome: Outcome
  /// Why it failed.
  public var reason: String
  /// The tools of the new generation.
  public var tools: [String]

  /// What became of a file.
  public init(file: String, _ outcome: Outcome, reason: String = "", tools: [String] = []) {
    self.file = file
    self.outcome = outcome
    self.reason = reason
    self.tools = tools
  }
}
