internal import BridgePluginHost
internal import BridgeTools
internal import Logging

/// The plugins, and the threads that run their tools.
final class PluginsComponent: HostComponent {
  let name = "plugins"
  let tools: ToolHost
  private let directory: String?
  private let logger: Logger

  /// - Parameter directory: Where plugins lie; nil loads none.
  init(directory: String?, configuration: ToolThreads.Configuration, logger: Logger) {
    tools = ToolHost(configuration: configuration, logger: logger)
    self.directory = directory
    self.logger = logger
  }

  /// Loads what is in the directory. A plugin that cannot be loaded is logged, and the rest served.
  func start() throws {
    guard let directory else { return }
    for report in try PluginHost(tools: tools).loadDirectory(directory) {
      switch report.result {
      case .success(let names):
        logger.info(
          "plugin loaded",
          metadata: ["file": "\(report.file)", "tools": "\(names.joined(separator: ", "))"])
      case .failure(let error):
        logger.error("plugin skipped", metadata: ["file": "\(report.file)", "error": "\(error)"])
      }
    }
  }

  func stop() { tools.stop() }
}
