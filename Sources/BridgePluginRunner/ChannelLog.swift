internal import BridgePluginChannel
internal import Logging

/// Log lines of a child process, which its host writes.
struct ChannelLog: LogHandler {
  private let server: PluginServer
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level

  init(_ server: PluginServer, level: Logger.Level) {
    self.server = server
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    server.send(
      .log(
        call: nil, level: event.level, message: "\(event.message)",
        metadata: all.mapValues { "\($0)" }))
  }
}
