internal import BridgePlugins
internal import BridgeTools
internal import Logging
internal import Threads

/// The plugins, and the threads that run their tools.
final class PluginsComponent: HostComponent {
  let name = "plugins"
  let tools: ToolHost
  private let plugins: PluginDirectory?
  /// For those who look after the plugins; nil where none are loaded.
  var inventory: (any PluginInventory)? { plugins }
  private let watches: Bool
  private let logger: Logger

  /// - Parameters:
  ///   - directory: Where plugins lie; nil loads none.
  ///   - watches: Whether changes of the directory are taken while the host runs.
  ///   - peer: Who else has the sessions.
  ///   - observer: Hears of calls.
  ///   - recorder: Takes calls down.
  init(
    directory: String?, watches: Bool, _ configuration: PluginDirectory.Configuration,
    threads: ToolThreads.Configuration, peer: (any SessionPeer)?,
    observer: any ToolObserver, recorder: (any ToolRecorder)?, logger: Logger
  ) {
    let tools = ToolHost(
      configuration: threads, peer: peer, observer: observer, recorder: recorder, logger: logger)
    self.tools = tools
    plugins = directory.map { PluginDirectory($0, tools: tools, configuration: configuration) }
    self.watches = watches
    self.logger = logger
  }

  /// Makes ready what takes a while. Before the start.
  func prepare() { plugins?.prepare() }

  /// Begins to load what is in the directory, while other parts of the host start.
  func start() throws { try plugins?.beginLoading() }

  /// Waits for the plugins. One that cannot be loaded is logged, and the rest served.
  func finishLoading() {
    guard let plugins else { return }
    for report in plugins.finishLoading() {
      switch report.result {
      case .success where report.isDisabled:
        logger.info("plugin disabled by its settings", metadata: ["file": "\(report.file)"])
      case .success(let names):
        logger.info(
          "plugin loaded",
          metadata: ["file": "\(report.file)", "tools": "\(names.joined(separator: ", "))"])
      case .failure(let error):
        logger.error("plugin skipped", metadata: ["file": "\(report.file)", "error": "\(error)"])
      }
    }
    if watches { plugins.watch() }
  }

  /// Lets plugins end what they have begun, for a while.
  func stop() {
    let late = plugins?.unloadAll(until: MonotonicClock.now + Self.patience) ?? []
    if !late.isEmpty {
      logger.warning(
        "plugins have not ended what they do",
        metadata: ["plugins": "\(late.joined(separator: ", "))"])
    }
    tools.stop()
  }

  /// How long plugins may take to end, in nanoseconds.
  private static let patience: Int64 = 1_000_000_000
}
