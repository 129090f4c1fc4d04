internal import BridgePluginHost
internal import BridgeSessions
internal import BridgeTools
internal import Logging
internal import Threads

/// A host that looks at nothing and keeps nothing: what grows while it is used, the plugin has made grow.
///
/// Not thread-safe.
final class PlainHost {
  let tools: [ToolDescription]
  private let run: TestRun
  private let host: ToolHost
  private let plugins: PluginHost
  private let sessions = SessionStore()
  private var session: Session
  private let options: LoadOptions
  private var sessionCount = 0

  init(_ run: TestRun, _ options: LoadOptions? = nil) throws {
    self.run = run
    var threads = ToolThreads.Configuration()
    threads.toolThreads = 2
    host = ToolHost(
      configuration: threads, logger: Logger(label: "plain") { _ in SwiftLogNoOpLogHandler() })
    plugins = PluginHost(tools: host, isIsolated: true)
    if let options {
      self.options = options
    } else if run.isManifest {
      self.options = LoadOptions()
    } else {
      self.options = try StartTests.options(for: try run.probe().describe(on: run.host))
    }
    _ = try plugins.load(run.path, self.options)
    tools = host.registry.catalog.descriptions
    session = try sessions.create("plain-0")
    try defineVariables()
  }

  /// Loads the plugin again, after `unload`.
  func load() throws { _ = try plugins.load(run.path, options) }

  /// Ends the session, with all that it keeps, and begins another one.
  func renewSession() throws {
    _ = sessions.remove(session.id)
    sessionCount += 1
    session = try sessions.create("plain-\(sessionCount)")
    try defineVariables()
  }

  private func defineVariables() throws {
    for (name, value) in Self.variables {
      guard case .value(let value, let type) = value else { continue }
      try session.register(
        name: name, type: type, constraints: "", payload: Payload(value),
        writer: Writer(.elixir, metadata: [:]))
    }
  }

  deinit { host.stop() }

  private static let variables: [(String, ToolValue)] = [
    ("a_float", .value(.float(1.5), .float)), ("an_integer", .value(.integer(7), .integer)),
    ("a_string", .value(.string("text"), .string)),
  ]

  /// Takes the plugin away, and waits until it has stopped.
  func unload() -> Bool {
    plugins.unloadAll(until: MonotonicClock.now + Int64(run.settings.grace * 1e9)).isEmpty
  }

  func arguments(for tool: ToolDescription) -> [MadeArguments] {
    var random = SeededRandom(run.settings.seed, for: "arguments of \(tool.name)")
    let maker = ArgumentMaker(tool, names: Self.variables.map(\.0))
    return [true, false, nil].compactMap { maker.valid(&random, optional: $0) }
  }

  /// Where the function of a tool is.
  func address(of tool: ToolDescription) -> UInt64? {
    PluginProbe.address(ofTool: tool.name, in: host.registry)
  }

  /// Calls a tool.
  ///
  /// - Returns: Whether it has ended by itself.
  func call(_ tool: ToolDescription, _ made: MadeArguments) -> Bool {
    do {
      let admitted = try host.registry.admit(tool.name)
      var searches = SearchBudget.ofTool()
      let request = ToolCall.Request(
        arguments: try Arguments(made.arguments, for: admitted.description, &searches),
        metadata: VariableMetadata(), deadline: nil, isStreaming: tool.streams)
      let observer = EndObserver()
      let call = try host.start(
        admitted, request, in: session, onEventLoop: false, observer: observer)
      if observer.wait(300_000_000) { return true }
      call.cancel(.cancelled)
      _ = observer.wait(Int64(run.settings.grace * 1e9))
      return false
    } catch {
      return false
    }
  }
}

/// Waits for the end of a call.
private final class EndObserver: ToolCallObserver {
  private let condition = Condition()
  private let hasEnded = Locked(false)

  func emitted(_ chunk: ToolValue) -> Bool { true }
  func progressed(_ fraction: Double, _ message: String) {}

  func finished(_ outcome: ToolOutcome) {
    condition.withLock {
      hasEnded.withLock { $0 = true }
      condition.broadcast()
    }
  }

  func wait(_ nanoseconds: Int64) -> Bool {
    let end = MonotonicClock.now + nanoseconds
    return condition.withLock {
      while !hasEnded.withLock({ $0 }) {
        if !condition.wait(until: end) { return hasEnded.withLock { $0 } }
      }
      return true
    }
  }
}
