import BridgePluginHost
import BridgePluginProcess
import BridgeSessions
import BridgeTools
import Glibc
import Logging
import RemoteSessions
import Synchronization
import Testing

/// Suites that load the test plugin run one after the other: what its entry function does depends on
/// an environment variable, which all threads share.
@Suite(.serialized) enum TestPluginSuites {}

/// Where the built plugins are, and how tests run their tools.
enum Plugins {
  /// Where the package manager puts shared objects: beside the test program.
  static let directory: String = {
    let program = realpath("/proc/self/exe", nil)!
    defer { free(program) }
    let path = String(cString: program)
    return String(path[..<path.lastIndex(of: "/")!])
  }()

  static func makeHost() -> TestHost { TestHost() }

  /// Where the plugins of scenarios run: what holds in process holds in processes of their own, too. Set by
  /// BRIDGE_TEST_ISOLATION, to `child` or `per-call`.
  static let isolation = getenv("BRIDGE_TEST_ISOLATION").map { String(cString: $0) } ?? ""

  /// Whether the sessions of scenarios are another host's, of which all the same holds. Set by
  /// BRIDGE_TEST_SESSIONS, to `remote`.
  static let hasRemoteSessions = getenv("BRIDGE_TEST_SESSIONS") != nil

  /// Makes the processes of all tests.
  static let runner = PluginRunner(
    path: "\(directory)/\(PluginRunner.programName)", version: hostVersion,
    logger: Logger(label: "runner") { _ in SwiftLogNoOpLogHandler() })

  static func makeHost(loading files: String...) throws -> TestHost {
    let host = makeHost()
    for file in files { try host.load("\(directory)/\(file)") }
    return host
  }

  /// Whether nothing watches a session any more. Another host hears of the end of a watch a moment later.
  static func watchesHaveEnded(of session: Session) -> Bool {
    if !hasRemoteSessions { return session.statistics.watches == 0 }
    return Fixture.eventually { session.statistics.watches == 0 }
  }

  static func makeSession() throws -> Session {
    let session = try SessionStore().create("s")
    try session.register(
      name: "counter", type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
    return session
  }
}

/// A parameter given as JSON.
struct JSONArgument: ArgumentSource {
  let name: String
  let text: String

  func value(as type: ValueType) throws -> Value { try Value(json: Array(text.utf8), as: type) }
  func json() throws -> [UInt8] { Array(text.utf8) }
  func bytes() throws -> [UInt8] { Array(text.utf8) }
}

/// Keeps what is logged, a line each, with its metadata.
struct TestLog: LogHandler {
  private let kept = Kept()
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.trace

  private final class Kept: Sendable { let lines = Mutex<[String]>([]) }

  var lines: [String] { kept.lines.withLock { $0 } }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let metadata = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
    kept.lines.withLock {
      $0.append(([event.message.description] + metadata).joined(separator: " "))
    }
  }
}

/// Gathers what a call does and waits for its end.
final class Recorder: ToolCallObserver, @unchecked Sendable {
  private let condition: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)
  private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
  private var outcome: ToolOutcome?
  private var recorded: [ToolValue] = []
  private var fractions: [Double] = []
  /// Chunks taken before the stream says it is full; nil never says so.
  private let room: Int?

  init(room: Int? = nil) {
    self.room = room
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    condition.deallocate()
    mutex.deallocate()
  }

  private func withLock<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  var chunks: [ToolValue] { withLock { recorded } }
  var progress: [Double] { withLock { fractions } }
  var isFinished: Bool { withLock { outcome != nil } }

  func emitted(_ chunk: ToolValue) -> Bool {
    withLock {
      recorded.append(chunk)
      return room.map { recorded.count % $0 != 0 } ?? true
    }
  }

  func progressed(_ fraction: Double, _ message: String) {
    withLock { fractions.append(fraction) }
  }

  func finished(_ outcome: ToolOutcome) {
    withLock {
      precondition(self.outcome == nil, "a call ended twice")
      self.outcome = outcome
      pthread_cond_broadcast(condition)
    }
  }

  func wait() -> ToolOutcome {
    withLock {
      while outcome == nil { pthread_cond_wait(condition, mutex) }
      return outcome!
    }
  }
}

/// A host of tools with nothing but plugins around it.
final class TestHost: Sendable {
  let tools: ToolHost
  let plugins: PluginHost
  private let remote = RemoteSessions()

  init(log: TestLog? = nil, configuration: ToolThreads.Configuration = .init()) {
    let handler: any LogHandler = if let log { log } else { SwiftLogNoOpLogHandler() }
    tools = ToolHost(configuration: configuration, logger: Logger(label: "test") { _ in handler })
    plugins = PluginHost(tools: tools)
  }

  deinit {
    for generation in tools.registry.generations where generation.provider is ChildPlugin {
      tools.registry.remove(generation.provider.id)
    }
    tools.stop()
  }

  /// Loads a plugin where the run of the tests says.
  func load(_ path: String, configuration: String? = nil) throws {
    if Plugins.isolation.isEmpty {
      _ = try plugins.load(path, LoadOptions(configuration: configuration))
      return
    }
    var process = ChildPlugin.Configuration()
    process.options = LoadOptions(configuration: configuration)
    process.isPerCall = Plugins.isolation == "per-call"
    let plugin = try ChildPlugin.load(
      path, process, by: Plugins.runner, logger: tools.logger)
    try tools.registry.register(plugin)
  }

  /// A session where the run of the tests says.
  private func place(_ session: Session) -> any ToolSession {
    Plugins.hasRemoteSessions ? remote.place(session) : session
  }

  /// Starts a tool with parameters given as JSON.
  func begin(
    _ name: String, _ arguments: [String: String] = [:], session: Session,
    deadline: Int64? = nil, isStreaming: Bool = false, recorder: Recorder
  ) throws -> ToolCall {
    let tool = try tools.registry.admit(name)
    var searches = SearchBudget.ofTool()
    return try tools.start(
      tool,
      ToolCall.Request(
        arguments: try Arguments(
          arguments.map { JSONArgument(name: $0.key, text: $0.value) }, for: tool.description,
          &searches),
        metadata: ["k": "v"], deadline: deadline, isStreaming: isStreaming),
      in: place(session), onEventLoop: false, observer: recorder)
  }

  /// Runs a tool to its end.
  func run(
    _ name: String, _ arguments: [String: String] = [:], session: Session
  ) throws -> ToolOutcome {
    let recorder = Recorder()
    _ = try begin(name, arguments, session: session, recorder: recorder)
    return recorder.wait()
  }

  /// Runs a quick tool without arguments on this thread, as an event loop does.
  func runHere(_ name: String, session: Session) throws -> ToolOutcome {
    let recorder = Recorder()
    _ = try tools.start(
      try tools.registry.admit(name), ToolCall.Request(arguments: Arguments(checked: [:])),
      in: session, onEventLoop: true, observer: recorder)
    #expect(recorder.isFinished)
    return recorder.wait()
  }

  /// Runs a tool that must succeed, and answers its result's JSON.
  func result(
    _ name: String, _ arguments: [String: String] = [:], session: Session
  ) throws -> String {
    switch try run(name, arguments, session: session).result {
    case .success(.value(let value, let type)):
      String(decoding: value.json(as: type), as: UTF8.self)
    case .success(.json(let text, _)): String(decoding: text, as: UTF8.self)
    case .success(let other): "\(other)"
    case .failure(let failure): "failed: \(failure.message)"
    }
  }
}
