public import BridgePluginHost
internal import BridgePluginChannel
internal import BridgePluginProcess
public import BridgeTools
internal import Glibc
internal import Logging
internal import Threads
internal import TrustedFiles

/// The plugins of a directory: which there are, where each runs, and what becomes of it.
///
/// Thread-safe.
public final class PluginDirectory: Sendable {
  /// What became of one file of the directory.
  public struct LoadReport: Sendable {
    /// The path of the file.
    public let file: String
    /// The tools it brought, or why it was not loaded.
    public let result: Result<[String], PluginError>
    /// Whether its settings say that it is not to be served.
    public let isDisabled: Bool
  }

  /// How plugins run for which nobody says otherwise.
  public struct Configuration: Sendable {
    /// Where the code of plugins runs whose settings do not say.
    public var isolation = PluginIsolation.child
    /// What the processes of plugins give up whose settings do not say.
    public var profile = PluginProfile.default
    /// Where `bridge-plugin-runner` is; nil looks beside the running program.
    public var runner: String?
    /// Calls that run at once in a plugin's process.
    public var calls = 64
    /// Whether plugins are refused whose SHA-256 nobody has written down.
    public var requiresDigests = false

    /// The defaults.
    public init() {}
  }

  private let path: String
  private let tools: ToolHost
  private let host: PluginHost
  private let runner: PluginRunner
  private let configuration: Configuration

  /// - Parameters:
  ///   - path: Of the directory; it is looked at when it is loaded.
  ///   - tools: Where the tools go, and what their calls run on.
  public init(_ path: String, tools: ToolHost, configuration: Configuration = Configuration()) {
    self.path = path
    self.tools = tools
    self.configuration = configuration
    host = PluginHost(tools: tools)
    runner = PluginRunner(
      path: configuration.runner ?? Self.besideThisProgram(PluginRunner.programName),
      logger: tools.logger)
  }

  private static func besideThisProgram(_ name: String) -> String {
    guard let program = realpath("/proc/self/exe", nil) else { return name }
    defer { free(program) }
    let path = String(cString: program)
    return path[...(path.lastIndex(of: "/") ?? path.startIndex)] + name
  }

  // MARK: Loading

  /// Loads every `.so` and every `.native.json` of the directory.
  ///
  /// - Returns: A report a file: a file that cannot be loaded is skipped.
  /// - Throws: `PluginError` when the directory itself cannot be used.
  public func load() throws(PluginError) -> [LoadReport] {
    let directory = try trusted { () throws(TrustedFileError) in try TrustedDirectory(path) }
    let names = try trusted { () throws(TrustedFileError) in try directory.entries() }
    let place = directory.path
    // Shared objects first: manifests may name them.
    let files = names.filter { $0.hasSuffix(".so") } + names.filter { $0.hasSuffix(".native.json") }
    // Those that have processes of their own start at once; who comes first gets the name of a tool as
    // before.
    let loads = files.map { Load("\(place)/\($0)", by: self) }
    return loads.map { load in
      do throws(PluginError) {
        return LoadReport(
          file: load.file, result: .success(try load.register()), isDisabled: load.isDisabled)
      } catch {
        return LoadReport(file: load.file, result: .failure(error), isDisabled: false)
      }
    }
  }

  /// One file on its way to its tools.
  private final class Load: Sendable {
    let file: String
    private let directory: PluginDirectory
    private let isDone = Condition()
    private let outcome = Locked<Result<Loaded, PluginError>?>(nil)

    var isDisabled: Bool {
      if case .success(.disabled)? = outcome.withLock({ $0 }) { true } else { false }
    }

    private enum Loaded: Sendable {
      /// Its settings say that it is not served.
      case disabled
      /// The plugin is to be loaded into this process, by the thread that registers it.
      case here(path: String, PluginSettings)
      case elsewhere(ChildPlugin)
    }

    init(_ file: String, by directory: PluginDirectory) {
      self.file = file
      self.directory = directory
      do throws(PluginError) {
        var settings = try PluginSettings(beside: file)
        guard settings.isEnabled else {
          outcome.withLock { $0 = .success(.disabled) }
          return
        }
        for warning in settings.warnings {
          directory.tools.logger.warning("\(warning)", metadata: ["plugin": "\(file)"])
        }
        settings.options.requiresDigests = directory.configuration.requiresDigests
        let opened = try directory.trusted { () throws(TrustedFileError) in try TrustedFile(file) }
        let path = opened.path
        var isolation = settings.isolation ?? directory.configuration.isolation
        if isolation == .inProcess, path.hasSuffix(".native.json"),
          try !PluginHost.isTrusted(opened)
        {
          isolation = .child
        }
        guard isolation != .inProcess || settings.profile.map({ $0 == [.none] }) ?? true else {
          throw PluginError(
            "\(PluginSettings.path(for: file)): profile: a profile binds a process of the plugin's own, and "
              + "it runs in the host: say \"isolation\": \"child\"")
        }
        guard isolation != .inProcess else {
          let here = settings
          outcome.withLock { $0 = .success(.here(path: path, here)) }
          return
        }
        let process = Self.process(settings, isolation, directory.configuration)
        if !startThread(named: "plugin-load", { self.load(path, process) }) { load(path, process) }
      } catch {
        outcome.withLock { $0 = .failure(error) }
      }
    }

    private static func process(
      _ settings: PluginSettings, _ isolation: PluginIsolation, _ configuration: Configuration
    ) -> ChildPlugin.Configuration {
      var process = settings.process
      process.options = settings.options
      process.limits.profile = ProcessProfile(settings.profile ?? [configuration.profile])
      process.isPerCall = isolation == .perCall
      process.calls = settings.calls ?? configuration.calls
      return process
    }

    private func load(_ path: String, _ process: ChildPlugin.Configuration) {
      let result: Result<Loaded, PluginError>
      do throws(ToolFailure) {
        result = .success(
          .elsewhere(
            try ChildPlugin.load(
              path, process, by: directory.runner, logger: directory.tools.logger)))
      } catch {
        result = .failure(PluginError("\(path): \(error.message)"))
      }
      isDone.withLock {
        outcome.withLock { $0 = result }
        isDone.broadcast()
      }
    }

    /// Waits for the plugin, and registers its tools.
    func register() throws(PluginError) -> [String] {
      let result = isDone.withLock {
        while true {
          if let result = outcome.withLock({ $0 }) { return result }
          isDone.wait()
        }
      }
      switch try result.get() {
      case .disabled: return []
      case .here(let path, let settings):
        return try directory.host.load(path, settings.options)
      case .elsewhere(let plugin):
        do {
          try directory.tools.registry.register(plugin)
        } catch {
          plugin.retire()
          throw PluginError(registering: plugin.id, error)
        }
        return plugin.tools.map(\.description.name)
      }
    }
  }

  private func trusted<Result: ~Copyable>(
    _ body: () throws(TrustedFileError) -> Result
  ) throws(PluginError) -> Result {
    do {
      return try body()
    } catch {
      throw PluginError(error.message)
    }
  }

  // MARK: The end

  /// Takes all tools away and waits until the plugins have stopped.
  ///
  /// - Parameter moment: Of `MonotonicClock`: waits no longer.
  /// - Returns: The names of the plugins that had not stopped by then.
  public func unloadAll(until moment: Int64) -> [String] {
    let children = tools.registry.generations.compactMap { $0.provider as? ChildPlugin }
    for child in children { tools.registry.remove(child.id) }
    var late = host.unloadAll(until: moment)
    late += children.filter { !$0.waitUntilStopped(until: moment) }.map(\.name)
    runner.stop(until: moment)
    return late
  }
}
