internal import BridgePluginHost
internal import BridgePluginProcess
internal import BridgeTools
internal import Glibc

/// One file of a plugin directory: what is known of it, and what serves of it. Without I/O.
struct PluginEntry {
  /// The file's name.
  let file: String
  /// Its place; the plugin is registered as this.
  let path: String

  /// The files that were found to belong to it.
  private(set) var parts: [String]
  /// What these were when they were last looked at; nil before the first look.
  private(set) var stamp: PluginStamp?
  /// Since when they have been the same; of `MonotonicClock`.
  private(set) var unchangedSince: Int64 = 0
  /// Whether the files as they are now have not been tried yet, or are to be tried again.
  private(set) var isDue = false

  /// What is under way.
  private(set) var load: PluginLoad?
  /// What serves.
  private(set) var serving: Serving?
  /// Why the files as they are now cannot be used; nil where they can, or nobody knows yet.
  private(set) var failure: String?
  /// What keeps it from being served, though its files may be fine.
  private(set) var hold: Hold?
  /// Whether it is a library of a plugin, and none itself.
  private(set) var isLibrary = false

  private(set) var generation = 0
  /// Crashes of generations before the present one.
  private var earlierCrashes = 0
  /// Generations that were replaced or removed; those that have retired are forgotten now and then.
  private var draining: [ProviderGeneration] = []

  /// A generation that serves.
  struct Serving {
    let generation: ProviderGeneration
    let isolation: PluginIsolation
    /// nil where it runs in the host.
    let child: ChildPlugin?
    let loadedAt: Int64
  }

  /// Why a plugin that could be loaded is not served.
  enum Hold: Equatable {
    /// By command.
    case disabled(String)
    /// Its own settings say so.
    case disabledBySettings
    case quarantined(String)
  }

  /// A file that was just found.
  init(file: String, path: String) {
    self.file = file
    self.path = path
    parts = [path, SettingsFile.path(beside: path)]
  }

  /// What the file itself is found as.
  var names: Set<String> { Set(parts).subtracting([SettingsFile.path(beside: path)]) }

  // MARK: Looking

  /// Takes note of what the files are now.
  ///
  /// - Returns: Whether they have changed.
  mutating func look(_ stamp: PluginStamp, at now: Int64) -> Bool {
    guard stamp != self.stamp else { return false }
    self.stamp = stamp
    unchangedSince = now
    isDue = true
    return true
  }

  /// It is to be tried (again), unless somebody does not want it.
  mutating func retry() { isDue = true }

  /// Whether it is to be loaded now.
  var isWanted: Bool {
    if case .disabled = hold { return false }
    return isDue
  }

  /// Whether its files cannot be used as they are now.
  var isBroken: Bool { failure != nil && load == nil }

  // MARK: Loading

  /// It is being loaded.
  ///
  /// - Returns: What was under way before, and is not wanted any more.
  mutating func begin(_ load: PluginLoad) -> PluginLoad? {
    defer { self.load = load }
    isDue = false
    return self.load
  }

  /// It is not being loaded any more.
  mutating func endLoad() { load = nil }

  /// All files that were found to belong to it: the next looks are at these.
  ///
  /// - Returns: Whether there are others than before.
  mutating func found(_ paths: [String]) -> Bool {
    var parts = [path, SettingsFile.path(beside: path)]
    for path in paths where !parts.contains(path) { parts.append(path) }
    defer { self.parts = parts }
    return parts != self.parts
  }

  /// The files are the same as they were: there are only more of them to look at.
  mutating func restamp(_ stamp: PluginStamp) { self.stamp = stamp }

  /// It serves from now on.
  mutating func serves(_ new: Serving) {
    retireServing()
    serving = new
    generation += 1
    (failure, hold, isLibrary) = (nil, nil, false)
  }

  /// It cannot be used as it is; what serves goes on.
  mutating func failed(_ reason: String) {
    failure = reason
    isLibrary = false
  }

  /// It is a library of another plugin.
  mutating func isOnlyLibrary() {
    isLibrary = true
    failure = nil
  }

  /// Nothing of it serves until it is released. Something else may stand in its place for calls.
  mutating func hold(_ reason: Hold, _ stand: Serving? = nil) {
    retireServing()
    hold = reason
    serving = stand
  }

  /// What serves does no longer.
  private mutating func retireServing() {
    guard let old = serving else { return }
    earlierCrashes += old.child?.crashCount ?? 0
    draining.removeAll { $0.state == .retired }
    draining.append(old.generation)
    serving = nil
  }

  /// Whether it is disabled or quarantined, be it that only its own process knows.
  var isHeld: Bool {
    if case .quarantined = serving?.child?.service { return true }
    return hold != nil
  }

  /// It is to be loaded. One that is quarantined stays so until it is.
  mutating func release() {
    if case .disabled = hold { hold = nil }
    isDue = true
  }

  // MARK: Telling

  /// As others see it.
  var status: PluginStatus {
    var status = PluginStatus(file: file, path: path)
    if let provider = serving?.generation.provider {
      status.name = provider.name
      status.version = provider.version
      status.tools = provider.tools.map(\.description.name)
    }
    status.generation = generation
    status.crashes = earlierCrashes + (serving?.child?.crashCount ?? 0)
    status.draining = draining.count { $0.state != .retired }
    (status.state, status.reason) = state
    guard let serving else { return status }
    status.loadedAt = serving.loadedAt
    if hold == nil { status.isolation = serving.isolation.rawValue }
    status.processes = serving.child?.processes ?? []
    if case .admitting(let calls) = serving.generation.state { status.calls = calls }
    return status
  }

  private var state: (PluginStatus.State, String) {
    switch hold {
    case .disabled(let reason): return (.disabled, reason)
    case .disabledBySettings: return (.disabled, "its settings say so")
    case .quarantined(let reason):
      return (
        .quarantined, failure.map { "\(reason); as its file is now, it fails: \($0)" } ?? reason
      )
    case nil: break
    }
    if let serving {
      // Until the directory has taken note of it.
      if case .quarantined(let reason) = serving.child?.service { return (.quarantined, reason) }
      return (.serving, failure ?? "")
    }
    if load != nil || failure == nil { return (.loading, "") }
    return (.broken, failure ?? "")
  }
}
