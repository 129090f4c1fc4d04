internal import BridgePluginHost
internal import BridgeTools
internal import JSON
internal import Logging
internal import Threads

/// One run of a test, as the test sees it: the file, what is random, and whom to tell what it finds.
///
/// It lives in the test's process. Not thread-safe, but for `log`.
final class TestRun {
  let path: String
  let settings: ValidationSettings
  /// Random by the seed and the test's name.
  var random: SeededRandom
  /// What to run with instead of what is random; empty where nothing was kept.
  let replayed: String
  private(set) var findings: [Finding] = []
  private let notes: SharedNotes

  init(
    _ test: ValidationTest, path: String, _ settings: ValidationSettings, replayed: String,
    _ notes: SharedNotes
  ) {
    self.path = path
    self.settings = settings
    self.replayed = replayed
    self.notes = notes
    random = SeededRandom(settings.seed, for: test.name)
  }

  /// Ends a test that cannot be done.
  struct Skip: Error {
    let reason: String
  }

  /// Whether it is a manifest, and no shared object.
  var isManifest: Bool { path.hasSuffix(".native.json") }

  // MARK: Telling

  /// Notes a fault, once for each tool.
  func fail(
    _ message: String, tool: String = "", at address: UInt64? = nil, remedy: String = ""
  ) {
    guard !findings.contains(where: { $0.kind == .failure && $0.tool == tool }) else { return }
    var finding = Finding(.failure, message, tool: tool)
    finding.address = address
    finding.remedy = remedy
    finding.replay = notes.replay
    findings.append(finding)
  }

  /// Notes what is no fault and may be one, once for each tool.
  func warn(_ message: String, tool: String = "") {
    guard !findings.contains(where: { $0.kind == .warning && $0.tool == tool }) else { return }
    findings.append(Finding(.warning, message, tool: tool))
  }

  /// Whether a fault was found.
  var hasFailed: Bool { findings.contains { $0.kind == .failure } }

  /// Whether something was noted that may be a fault.
  var hasWarned: Bool { findings.contains { $0.kind == .warning } }

  /// Notes what is being done, for the case that it never ends.
  func note(_ place: String) { notes.place = place }

  /// Notes what it is being done with.
  func keep(_ replay: String) { notes.replay = replay }

  // MARK: Doing

  /// Runs the test, and leaves behind what it has found.
  func perform(_ test: ValidationTest) {
    do {
      try test.body(self)
    } catch let skip as Skip {
      findings.append(Finding(.skip, skip.reason))
    } catch {
      fail("\(error)")
    }
    notes.result = JSON.array(findings.map(\.json)).text
  }

  /// A host without tools, whose log is kept.
  lazy var host: ToolHost = {
    let log = log
    return ToolHost(logger: Logger(label: "validate") { _ in log })
  }()

  /// What the host has logged.
  let log = KeptLog()

  /// The plugin, of which nothing is loaded yet.
  func probe() throws -> PluginProbe { try PluginProbe(path) }
}

/// What a host logs, for who looks at it later.
///
/// Thread-safe.
struct KeptLog: LogHandler {
  private final class Kept: Sendable {
    let lines = Locked<[(level: Logger.Level, text: String)]>([])
  }

  /// So many lines are kept.
  private static let limit = 10_000

  private let kept = Kept()
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.debug

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let words = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
    let line = (event.level, "\(event.message)\(words.joined())")
    kept.lines.withLock { if $0.count < Self.limit { $0.append(line) } }
  }

  /// Warnings and errors until now.
  var warnings: [String] {
    kept.lines.withLock { lines in lines.filter { $0.level >= .warning }.map(\.text) }
  }
}
