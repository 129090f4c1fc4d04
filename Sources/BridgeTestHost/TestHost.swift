public import BridgePluginABI
internal import BridgePluginHost
internal import BridgeSessions
public import BridgeTools
internal import Logging
internal import Threads

/// A host of plugins in memory, without a socket, for tests: it runs the code that serves plugins, keeps
/// sessions and their variables, traces all that tools ask of it, and has things go wrong where a test
/// says so.
///
///     let host = TestHost()
///     try host.load("./libweather.so")
///     try host.session.define("temperature", 21.5)
///     let record = try host.call("forecast", ["days": 3])
///     record.value            // what it answered
///     try host.session["temperature"]
///
/// Each is on its own: tests may have many at once. Thread-safe.
public final class TestHost: Sendable {
  /// What a test host is to be like.
  public struct Configuration: Sendable {
    /// What `sleep`, `remaining` and deadlines go by; nil for the real clock.
    public var clock: TestClock?
    /// The versions of the ABI that the host says it speaks; nil for those that it does.
    public var abiVersions: ClosedRange<UInt32>?

    /// Whether shared objects are loaded from where they are, where debuggers find them. All hosts of the
    /// process have the same one then; else each has a copy of its own.
    public var loadsInPlace = false

    /// A host like any other, with the real clock.
    public init(clock: TestClock? = nil) { self.clock = clock }
  }

  /// The session that calls are in which name no other.
  public let session: TestSession
  /// The clock of the configuration.
  public let clock: TestClock?

  let tools: ToolHost
  let inspector: TestInspector
  private let plugins: PluginHost
  private let sessions = SessionStore()
  private let lines = TestLog()
  private let state = Locked(State())

  private struct State {
    var sessions: [String: TestSession] = [:]
    /// The tools of manifests, whose use of variables is seen elsewhere.
    var nativeTools: Set<String> = []
    var stubs = 0
  }

  /// A host with the session "test", and nothing loaded.
  public init(_ configuration: Configuration = Configuration()) {
    clock = configuration.clock
    var offer = HostOffer()
    offer.versions = configuration.abiVersions
    inspector = TestInspector(offer: offer, clock: configuration.clock)
    var threads = ToolThreads.Configuration()
    threads.toolThreads = 32
    let lines = lines
    tools = ToolHost(configuration: threads, logger: Logger(label: "test") { _ in lines })
    plugins = PluginHost(
      tools: tools, inspector: inspector, loadsInPlace: configuration.loadsInPlace)
    do {
      session = TestSession(try sessions.create("test"))
    } catch {
      preconditionFailure("an empty store takes a session: \(error)")
    }
    state.withLock { $0.sessions["test"] = session }
  }

  deinit {
    _ = plugins.unloadAll(until: MonotonicClock.now + 1_000_000_000)
    tools.stop()
  }

  // MARK: Plugins

  /// The type of `bridge_plugin_entry`; see `bridge/entry.h`.
  public typealias Entry =
    @convention(c) (
      UnsafePointer<bridge_host>?, UnsafeMutablePointer<UnsafePointer<bridge_plugin>?>?
    ) -> bridge_status

  /// Loads a shared object or a manifest.
  ///
  /// - Parameters:
  ///   - path: Of a `.so` or a `.native.json`.
  ///   - configuration: The plugin's own, a JSON object; nil gives none.
  /// - Returns: The names of its tools.
  /// - Throws: `TestHostError` of the kind `loading`, with what the host would say.
  @discardableResult
  public func load(
    _ path: String, configuration: String? = nil
  ) throws(TestHostError) -> [String] {
    do {
      let names = try plugins.load(path, LoadOptions(configuration: configuration))
      if path.hasSuffix(".native.json") { state.withLock { $0.nativeTools.formUnion(names) } }
      return names
    } catch {
      throw TestHostError(.loading, "\(error)")
    }
  }

  /// Enters a plugin that is linked into the test, so that debuggers and coverage see it.
  ///
  /// - Parameters:
  ///   - entry: Its `bridge_plugin_entry`.
  ///   - name: What messages call it.
  ///   - configuration: As of `load`.
  /// - Returns: The names of its tools.
  /// - Throws: As `load`.
  @discardableResult
  public func load(
    entry: @escaping Entry, as name: String = "plugin", configuration: String? = nil
  ) throws(TestHostError) -> [String] {
    do {
      return try plugins.load(
        entry: unsafeBitCast(entry, to: UnsafeMutableRawPointer.self), as: name,
        LoadOptions(configuration: configuration))
    } catch {
      throw TestHostError(.loading, "\(error)")
    }
  }

  /// Takes away what was loaded from a path, or entered with a name, and waits until it has stopped.
  ///
  /// - Returns: Whether it was there.
  @discardableResult
  public func unload(_ path: String) -> Bool { plugins.unload(path) }

  /// What the tools that are there say of themselves, by name.
  public var toolDescriptions: [ToolDescription] { tools.registry.catalog.descriptions }

  /// Where the tools are found.
  package var registry: ToolRegistry { tools.registry }

  /// Puts a tool in the place of another plugin's, for tools that call it.
  ///
  /// - Parameters:
  ///   - body: Takes the arguments as they were given, and answers the result; what it throws is the
  ///     failure, a `ToolFailure` as it is. It runs on a thread of the host.
  /// - Throws: `TestHostError` when the name is taken, or is none.
  public func stub(
    _ name: String, _ body: @escaping @Sendable ([String: TestValue]) throws -> TestValue
  ) throws(TestHostError) {
    let number = state.withLock { state in
      state.stubs += 1
      return state.stubs
    }
    do {
      try tools.registry.register(StubProvider(id: "stub \(number)", StubTool(name, body)))
    } catch {
      throw TestHostError(.loading, "\(error)")
    }
  }

  // MARK: Sessions and the log

  /// The session of an id, which is made when it is asked for first.
  public func session(_ id: String) throws(TestHostError) -> TestSession {
    if let known = state.withLock({ $0.sessions[id] }) { return known }
    do {
      let session = TestSession(try sessions.open(id).session)
      return state.withLock { state in
        if let known = state.sessions[id] { return known }
        state.sessions[id] = session
        return session
      }
    } catch {
      throw TestHostError(.variable, "\(error)")
    }
  }

  /// Ends a session, as a client that is done with it: what plugins keep for it is released.
  public func end(_ session: TestSession) {
    state.withLock { $0.sessions[session.id] = nil }
    _ = sessions.remove(session.id)
  }

  /// What was logged, a line each: the level, the text, and what belongs to it.
  public var log: [String] { lines.lines }

  /// What broke a rule of the ABI outside of any call, since this was asked last.
  public func takeViolations() -> [Violation] { inspector.takeViolations() }

  /// Whether a tool is of a manifest.
  func isNative(_ tool: String) -> Bool { state.withLock { $0.nativeTools.contains(tool) } }
}

/// Keeps what is logged.
private final class TestLog: LogHandler, @unchecked Sendable {
  private let kept = Locked<[String]>([])
  // Nobody sets these: the logger is the host's own.
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.trace

  var lines: [String] { kept.withLock { $0 } }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let metadata = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
    let line = (["\(event.level): \(event.message)"] + metadata).joined(separator: " ")
    kept.withLock { $0.append(line) }
  }
}

/// A tool that a test answers for.
private final class StubTool: Tool {
  let description: ToolDescription
  private let body: @Sendable ([String: TestValue]) throws -> TestValue

  init(_ name: String, _ body: @escaping @Sendable ([String: TestValue]) throws -> TestValue) {
    var description = ToolDescription(
      name: name, description: "A stub.", parameters: [], plugin: "stub")
    description.takesUndeclared = true
    description.isReadOnly = true
    self.description = description
    self.body = body
  }

  func run(_ call: ToolCall) {
    do {
      let arguments = call.arguments.entries.map { ($0.name, $0.value) }
      call.finish(.success(try body(Dictionary(uniqueKeysWithValues: arguments))))
    } catch let failure as ToolFailure {
      call.fail(failure)
    } catch {
      call.fail(ToolFailure(code: 2, message: "\(error)", type: "stub"))
    }
  }
}

private final class StubProvider: ToolProvider {
  let id: String
  let name = "stub"
  let version = ""
  let tools: [any Tool]

  init(id: String, _ tool: StubTool) {
    self.id = id
    tools = [tool]
  }

  func retire() {}
}
