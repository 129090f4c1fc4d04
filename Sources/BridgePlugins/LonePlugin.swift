internal import BridgePluginHost
internal import BridgePluginProcess
public import BridgeTools
internal import Glibc
internal import Threads

/// One plugin, for those who have no directory of them.
///
/// Thread-safe.
public final class LonePlugin: Sendable {
  private let tools: ToolHost
  private let host: PluginHost
  private let child: ChildPlugin?
  private let runner: PluginRunner?

  /// Loads a plugin, and registers its tools.
  ///
  /// - Parameters:
  ///   - path: Of a `.so` or a manifest.
  ///   - isIsolated: Whether it has a process of its own, so that a crash ends no more than its calls.
  ///   - configuration: The plugin's, a JSON object; nil for none.
  /// - Throws: `PluginError`, `ToolFailure` or `ToolsError`.
  public init(
    _ path: String, into tools: ToolHost, isIsolated: Bool, configuration: String? = nil
  ) throws {
    self.tools = tools
    let options = LoadOptions(configuration: configuration)
    host = PluginHost(tools: tools, isIsolated: true)
    let real = realpath(path, nil)
    defer { free(real) }
    let file = real.map { String(cString: $0) } ?? path
    guard isIsolated else {
      (child, runner) = (nil, nil)
      _ = try host.load(file, options)
      return
    }
    let runner = PluginRunner(
      path: PluginDirectory.besideThisProgram(PluginRunner.programName), version: hostVersion,
      logger: tools.logger)
    self.runner = runner
    var process = ChildPlugin.Configuration()
    process.options = options
    child = try ChildPlugin.load(file, process, by: runner, logger: tools.logger)
    try tools.registry.register(child!)
  }

  /// Ends the plugin and its process.
  public func stop() {
    let limit = MonotonicClock.now + 5_000_000_000
    if let child {
      tools.registry.remove(child.id)
      child.retire()
      _ = child.waitUntilStopped(until: limit)
    }
    runner?.stop(until: limit)
    _ = host.unloadAll(until: limit)
  }
}
