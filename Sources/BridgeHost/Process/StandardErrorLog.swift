internal import BridgeSessions
internal import JSON
internal import Logging

/// Writes log lines to standard error, one write a line, as text or as JSON objects.
struct StandardErrorLog: LogHandler {
  enum Format: String, CaseIterable, Sendable {
    case text, json
  }

  let format: Format
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  init(format: Format, logLevel: Logger.Level) {
    self.format = format
    self.logLevel = logLevel
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let time = Timestamp.text(Clock.wall)
    switch format {
    case .text:
      let pairs = all.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }.joined()
      StandardError.writeLine("\(time) \(event.level) \(Self.oneLine("\(event.message)"))\(pairs)")
    case .json:
      var members: [JSON.Member] = [
        .init(key: "time", value: .string(time)),
        .init(key: "level", value: .string("\(event.level)")),
        .init(key: "message", value: .string("\(event.message)")),
      ]
      members += all.map { .init(key: $0.key, value: .string("\($0.value)")) }
      StandardError.writeLine(JSON.object(members).text)
    }
  }

  /// A value that has spaces or quotes in it becomes a JSON string, so that pairs come apart.
  private static func quoted(_ text: String) -> String {
    text.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != 0x7F } && !text.isEmpty
      ? text : JSON.string(text).text
  }

  /// A message with control characters must not look like two lines.
  private static func oneLine(_ text: String) -> String {
    text.utf8.contains { $0 < 0x20 } ? JSON.string(text).text : text
  }
}

/// Time as RFC 3339 has it, in UTC with milliseconds.
enum Timestamp {
  /// - Parameter nanoseconds: Since 1970.
  static func text(_ nanoseconds: Int64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    let (year, month, day) = date(day: seconds / 86_400)
    let time = seconds % 86_400
    func pad(_ value: Int64, _ width: Int = 2) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return "\(pad(year, 4))-\(pad(month))-\(pad(day))T\(pad(time / 3600)):\(pad(time / 60 % 60)):"
      + "\(pad(time % 60)).\(pad(nanoseconds / 1_000_000 % 1000, 3))Z"
  }

  /// Source: https://howardhinnant.github.io/date_algorithms.html (civil_from_days), for days from
  /// 1970 on.
  private static func date(day: Int64) -> (Int64, Int64, Int64) {
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    )
  }
}
