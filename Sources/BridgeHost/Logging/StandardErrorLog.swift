internal import BridgeSessions
internal import JSON
internal import Logging
internal import TerminalText

/// Writes log lines to standard error, as text or as JSON objects. It never waits: see `LogWriter`.
struct StandardErrorLog: LogHandler {
  enum Format: String, CaseIterable, Sendable {
    case text, json
  }

  let format: Format
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let writer: LogWriter

  init(format: Format, logLevel: Logger.Level, writer: LogWriter) {
    self.format = format
    self.logLevel = logLevel
    self.writer = writer
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    writer.write(
      Self.line(
        format, level: event.level, message: "\(event.message)",
        pairs: all.map { ($0.key, "\($0.value)") }))
  }

  /// One line without its end. What it says of others cannot look like a line of its own.
  static func line(
    _ format: Format, level: Logger.Level, message: String, pairs: [(key: String, value: String)],
    time: Int64 = Clock.wall
  ) -> String {
    let time = Timestamp.text(time)
    let line: String
    switch format {
    case .text:
      let pairs = pairs.map { " \($0.key)=\(quoted($0.value))" }.joined()
      line = "\(time) \(level) \(message)\(pairs)"
    case .json:
      var members: [JSON.Member] = [
        .init(key: "time", value: .string(time)),
        .init(key: "level", value: .string("\(level)")),
        .init(key: "message", value: .string(message)),
      ]
      members += pairs.map { .init(key: $0.key, value: .string($0.value)) }
      line = JSON.object(members).text
    }
    return TerminalText.escaped(line)
  }

  /// A value that has spaces or quotes in it becomes a JSON string, so that pairs come apart.
  private static func quoted(_ text: String) -> String {
    text.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != 0x7F } && !text.isEmpty
      ? text : JSON.string(text).text
  }
}
