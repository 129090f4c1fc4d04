public import BridgeSessions
public import BridgeTools
internal import GRPC
internal import Threads
public import Logging

/// The bridge's gRPC service: turns calls into operations on sessions and tools.
///
/// Thread-safe. Everything but tools runs on the event loop its call came on.
public final class BridgeService: Sendable {
  /// What a host may choose.
  public struct Configuration: Sendable {
    /// Whether RegisterVariable, ExecuteTool and WatchVariables create the session they name.
    public var createsSessions = true
    /// Whether Heartbeat calls every session valid, those that are not there included: Snakepit's pools end a
    /// worker for good that says otherwise once.
    public var callsSessionsValid = false
    /// How calls of tools are answered.
    public var answers = AnswerStyle()
    /// Whether headers that join calls of one piece of work go into the metadata of tools' calls:
    /// `x-snakepit-correlation-id` as `correlation_id`, and `traceparent`.
    public var takesTracingHeaders = false
    /// Milliseconds between heartbeats of a watch that names no interval.
    public var heartbeatInterval = 30_000
    /// The key of a tool call's metadata that names another session than the call's own; nil looks at none.
    public var sessionKey: String?

    /// The defaults.
    public init() {}
  }

  /// The sessions that this host holds.
  let sessions: SessionStore
  /// Knows which sessions other hosts hold.
  let directory: any SessionDirectory
  let tools: ToolHost
  /// Updates of watches that are made on threads.
  let longUpdates = LongUpdates()
  /// The sessions of tools, where another host holds them.
  let toolSessions: (any ToolSessionSource)?
  /// The clients that serve tools.
  let workers = ClientWorkers()
  let configuration: Configuration
  let logger: Logger

  /// The calls of open watches, to end them when the host shuts down.
  private let watches = Locked((calls: [ObjectIdentifier: ServerCall](), isEnding: false))

  /// What `encodedTools` answered last, and for which catalog: describing all tools anew costs many times
  /// what making a session does.
  let encodedCatalog = Locked<(catalog: ToolCatalog, bytes: [UInt8])?>(nil)

  /// Serves sessions and the tools of plugins.
  ///
  /// - Parameters:
  ///   - directory: nil when all sessions are in the store.
  ///   - toolSessions: What tools are called in; nil when it is the sessions of the directory.
  public init(
    sessions: SessionStore, directory: (any SessionDirectory)? = nil, tools: ToolHost,
    toolSessions: (any ToolSessionSource)? = nil,
    configuration: Configuration = Configuration(), logger: Logger
  ) {
    self.sessions = sessions
    self.directory = directory ?? sessions
    self.tools = tools
    self.toolSessions = toolSessions
    self.configuration = configuration
    self.logger = logger
  }

  /// Finds a session for an RPC that may create it.
  ///
  /// - Parameter call: Of the client that then has made the session; nil counts for nobody.
  func sessionForUse(_ id: String, for call: ServerCall? = nil) throws -> Session {
    try sessionForUse(id, client: call?.client)
  }

  /// - Parameter client: Who then has made the session; nil counts for nobody.
  func sessionForUse(_ id: String, client: @autoclosure () -> UInt64?) throws -> Session {
    // Whether there is one is asked first: only who makes one must be known.
    guard configuration.createsSessions else { return try directory.session(id) }
    do {
      return try directory.session(id)
    } catch let error as SessionError where error.code == .sessionNotFound {
      return try directory.session(id, create: true, client: client())
    }
  }

  /// - Throws: UNAVAILABLE once the host shuts down.
  func watchBegan(_ call: ServerCall) throws {
    let isOpen = watches.withLock { watches in
      if watches.isEnding { return false }
      watches.calls[ObjectIdentifier(call)] = call
      return true
    }
    guard isOpen else { throw Self.shuttingDown }
  }

  func watchEnded(_ call: ServerCall) {
    watches.withLock { $0.calls[ObjectIdentifier(call)] = nil }
  }

  private static let shuttingDown = RPCError(
    .unavailable, "the host is shutting down", reason: .shuttingDown)

  /// Ends every watch with UNAVAILABLE: they would keep a shutdown waiting for ever.
  public func endWatches() {
    let calls = watches.withLock { watches in
      watches.isEnding = true
      return Array(watches.calls.values)
    }
    for call in calls { call.fail(Self.shuttingDown) }
  }
}
