internal import ArgumentParser
internal import BridgeSessions
internal import BridgeStorage
internal import Logging

/// Options of what is kept across restarts.
struct StateOptions: ParsableArguments {
  @Option(
    name: .customLong("state"),
    help: ArgumentHelp(
      "Directory that keeps sessions and variables across restarts and crashes.",
      discussion: "One host uses it at a time. Without it nothing is kept.", valueName: "dir"))
  var directory: FilePath?

  @Option(
    help: ArgumentHelp(
      "When a write is acknowledged.",
      discussion: """
        always: when it is on disk. interval: at once; what was written in the last \
        --flush-interval-ms may be lost by a crash.
        """))
  var durability = Durability.always

  @Option(1...60_000, help: "Milliseconds until a write is on disk, with --durability interval.")
  var flushIntervalMs = 50

  enum Durability: String, ExpressibleByArgument, CaseIterable {
    case always, interval
  }

  /// Opens the directory.
  ///
  /// - Returns: nil when nothing is to be kept.
  func open(historyVersions: Int, _ logger: Logger) throws -> Journal? {
    guard let directory else { return nil }
    return Journal(
      backend: try SQLiteBackend(directory: directory.path, historyVersions: historyVersions),
      durability: durability == .always ? .always : .interval(milliseconds: flushIntervalMs),
      logger: logger)
  }
}
