internal import BridgePluginChannel
internal import BridgeTools
internal import Logging
internal import Threads

/// Owns the first process of a plugin until the plugin is known: then it hands on what it hears.
///
/// Thread-safe.
final class FirstLoad: ChildOwner {
  private let logger: Logger
  private let hasResult = Condition()
  private let state = Locked(State())

  private struct State {
    var result: Result<ChildMessage.LoadedPlugin, ToolFailure>?
    var plugin: ChildPlugin?
    /// How the process has ended, before the plugin was there.
    var early: ChildEnd?
  }

  init(logger: Logger) { self.logger = logger }

  /// Waits for the plugin.
  ///
  /// - Throws: `ToolFailure` with what it refuses with, or how its process has ended.
  func wait(_ path: String) throws(ToolFailure) -> ChildMessage.LoadedPlugin {
    let result = hasResult.withLock {
      while true {
        if let result = state.withLock(\.result) { return result }
        hasResult.wait()
      }
    }
    return try result.get()
  }

  private func set(_ result: Result<ChildMessage.LoadedPlugin, ToolFailure>) {
    hasResult.withLock {
      state.withLock { if $0.result == nil { $0.result = result } }
      hasResult.broadcast()
    }
  }

  /// From now on the plugin owns the process.
  func handOver(to plugin: ChildPlugin) {
    let early = state.withLock { state in
      state.plugin = plugin
      return state.early
    }
    if let early { plugin.ended(early, calls: [], child: nil) }
  }

  private var plugin: ChildPlugin? { state.withLock(\.plugin) }

  func loaded(_ plugin: ChildMessage.LoadedPlugin, by child: Child) { set(.success(plugin)) }

  func refused(_ reason: String, by child: Child) {
    set(.failure(ToolFailure(code: 9, message: reason, type: "plugin_refused")))
  }

  func returned(_ call: ChildCall, hasEnded: Bool, in child: Child) {
    plugin?.returned(call, hasEnded: hasEnded, in: child)
  }

  func finished(_ call: ChildCall, in child: Child) { plugin?.finished(call, in: child) }

  func log(_ level: Logger.Level, _ message: String, _ metadata: [String: String]) {
    if let plugin { return plugin.log(level, message, metadata) }
    var all: Logger.Metadata = [:]
    for (key, value) in metadata { all[key] = "\(value)" }
    logger.log(level: level, "\(message)", metadata: all)
  }

  func ended(_ end: ChildEnd, calls: [ChildCall], child: Child?) {
    let plugin = state.withLock { state in
      if state.plugin == nil { state.early = end }
      return state.plugin
    }
    if let plugin { return plugin.ended(end, calls: calls, child: child) }
    set(
      .failure(
        ToolFailure(
          code: 9, message: "the process that was to load it \(end.words)", type: "plugin_crashed"))
    )
  }
}
