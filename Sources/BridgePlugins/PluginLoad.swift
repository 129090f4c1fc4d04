internal import BridgePluginChannel
internal import BridgePluginHost
internal import BridgePluginProcess
internal import BridgeTools
internal import Glibc
internal import Logging
internal import Threads

/// One file on its way to its tools: what takes long happens on a thread of its own.
///
/// Thread-safe.
final class PluginLoad: Sendable {
  /// What a file is loaded with.
  struct Place: Sendable {
    let host: PluginHost
    let runner: PluginRunner
    let tools: ToolHost
    let isolation: PluginIsolation
    let calls: Int
    let requiresDigests: Bool
    let profile: PluginProfile
    /// Where control groups of processes are made; empty makes none.
    let groups: String
  }

  /// How a file is loaded.
  struct Way: Sendable {
    /// Whether what is to run in this process is loaded into another one first: what crashes or refuses there
    /// never comes here.
    var isTried = true
    /// Whether the plugin is only tried, and let go of again.
    var isTrial = false
    /// Whether a file that looks as if it were still being written is left alone for now.
    var isCautious = true
    /// Hears that the plugin is taken out of service.
    var whenQuarantined: (@Sendable (ChildPlugin, _ reason: String) -> Void)?
    /// Hears that the load is done, on its thread.
    var whenDone: (@Sendable () -> Void)?
  }

  /// What a file has come to.
  enum Outcome: Sendable {
    /// It can be registered.
    case elsewhere(ChildPlugin, PluginIsolation)
    /// It can be loaded into this process, which `take` does.
    case here(PluginFiles, PluginSettings)
    /// It could be loaded, and was let go of again.
    case tried(tools: [String])
    /// Its settings say that it is not served.
    case disabled
    /// It is no plugin: it does not even name the function that every plugin has.
    case noPlugin
    /// It looks as if it were still being written, or what it names were still to come.
    case incomplete(String)
    case failed(String)
  }

  /// A plugin that nobody knows yet.
  struct Loaded: Sendable {
    let provider: any ToolProvider
    let isolation: PluginIsolation
    /// nil where it runs in this process.
    var child: ChildPlugin? { provider as? ChildPlugin }
  }

  /// The path of the file, as the directory has it.
  let path: String
  private let place: Place
  private let way: Way
  private let isDone = Condition()
  private let state = Locked(State())

  private struct State {
    var outcome: Outcome?
    var parts: [String] = []
    var isAbandoned = false
  }

  /// Begins.
  init(_ path: String, _ place: Place, _ way: Way) {
    self.path = path
    self.place = place
    self.way = way
  }

  /// Begins to load the file. Once.
  func start() {
    if !startThread(named: "plugin-load", { self.run() }) { run() }
  }

  private func run() {
    let outcome = load()
    let isAbandoned = isDone.withLock {
      defer { isDone.broadcast() }
      return state.withLock { state in
        state.outcome = outcome
        return state.isAbandoned
      }
    }
    if isAbandoned { Self.letGo(outcome) }
    way.whenDone?()
  }

  private func load() -> Outcome {
    var settings: PluginSettings
    let files: PluginFiles
    do throws(PluginError) {
      settings = try PluginSettings(beside: path)
      guard settings.isEnabled else { return .disabled }
      for warning in settings.warnings {
        place.tools.logger.warning("\(warning)", metadata: ["plugin": "\(path)"])
      }
      settings.options.requiresDigests = place.requiresDigests
      files = try PluginFiles(copying: path)
    } catch {
      return .incomplete(error.description)
    }
    // By both names: a link may be turned, and what it leads to may change.
    state.withLock { $0.parts = files.files.flatMap { [$0.name, $0.path] } }
    if way.isCautious && files.isShort { return .incomplete("\(path) is not written to its end") }
    guard files.namesEntry else { return .noPlugin }
    do throws(PluginError) {
      return try load(files, settings)
    } catch {
      return .failed(error.description)
    }
  }

  private func load(
    _ files: PluginFiles, _ settings: PluginSettings
  ) throws(PluginError) -> Outcome {
    var isolation = settings.isolation ?? place.isolation
    if isolation == .inProcess, try !PluginHost.mayRunHere(files) { isolation = .child }
    guard isolation != .inProcess || settings.profile.map({ $0 == [.none] }) ?? true else {
      throw PluginError(
        "\(SettingsFile.path(beside: path)): profile: a profile binds a process of the plugin's own, and "
          + "it runs in the host: say \"isolation\": \"child\"")
    }
    if isolation == .inProcess && !way.isTried && !way.isTrial { return .here(files, settings) }
    let plugin = try loadElsewhere(files, settings, isolation == .inProcess ? .child : isolation)
    if isolation != .inProcess && !way.isTrial { return .elsewhere(plugin, isolation) }
    plugin.retire()
    guard way.isTrial else { return .here(files, settings) }
    return .tried(tools: plugin.tools.map(\.description.name))
  }

  private func loadElsewhere(
    _ files: PluginFiles, _ settings: PluginSettings, _ isolation: PluginIsolation
  ) throws(PluginError) -> ChildPlugin {
    var process = settings.process
    process.options = settings.options
    process.limits.profile = ProcessProfile(settings.profile ?? [place.profile])
    process.limits.groups = place.groups
    process.isPerCall = isolation == .perCall
    process.calls = settings.calls ?? place.calls
    process.whenQuarantined = way.whenQuarantined
    do {
      return try ChildPlugin.load(
        files.path, process,
        from: ChildPlugin.Files(
          files.files.map { ($0.name, $0.path, $0.descriptor) }, ownedBy: files),
        as: path, by: place.runner, logger: place.tools.logger)
    } catch {
      throw PluginError("\(path): \(error.message)")
    }
  }

  // MARK: The outcome

  /// Whether it is done.
  var isFinished: Bool { state.withLock { $0.outcome != nil } }

  /// The files that belong to the plugin, as far as they are known.
  var parts: [String] { state.withLock(\.parts) }

  /// Waits until it is done.
  func wait() -> Outcome {
    isDone.withLock {
      while true {
        if let outcome = state.withLock(\.outcome) { return outcome }
        isDone.wait()
      }
    }
  }

  /// Nobody wants the plugin: it is let go of, now or once it is there.
  func abandon() {
    let outcome = state.withLock { state in
      state.isAbandoned = true
      return state.outcome
    }
    if let outcome { Self.letGo(outcome) }
  }

  private static func letGo(_ outcome: Outcome) {
    if case .elsewhere(let plugin, _) = outcome { plugin.retire() }
  }

  /// Loads into this process what can be.
  func open(_ files: PluginFiles, _ settings: PluginSettings) throws(PluginError) -> Loaded {
    Loaded(
      provider: try place.host.open(files, as: path, settings.options), isolation: .inProcess)
  }
}
