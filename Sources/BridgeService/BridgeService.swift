public import BridgePluginHost
public import BridgeSessions
internal import GRPC
public import Logging
internal import Synchronization

/// The bridge's gRPC service: turns calls into operations on sessions and tools.
///
/// Thread-safe. Everything but tools runs on the event loop its call came on.
public final class BridgeService: Sendable {
  public struct Configuration: Sendable {
    /// Whether RegisterVariable, ExecuteTool and WatchVariables create the session they name.
    public var createsSessions = true
    /// Milliseconds between heartbeats of a watch that names no interval.
    public var heartbeatInterval = 30_000

    public init() {}
  }

  let sessions: SessionStore
  let plugins: PluginHost
  let configuration: Configuration
  let logger: Logger

  /// The calls of open watches, to end them when the host shuts down.
  private let watches = Mutex<[ObjectIdentifier: ServerCall]>([:])

  public init(
    sessions: SessionStore, plugins: PluginHost, configuration: Configuration = Configuration(),
    logger: Logger
  ) {
    self.sessions = sessions
    self.plugins = plugins
    self.configuration = configuration
    self.logger = logger
  }

  /// Finds a session for an RPC that may create it.
  func sessionForUse(_ id: String) throws -> Session {
    try sessions.session(id, create: configuration.createsSessions)
  }

  func watchBegan(_ call: ServerCall) {
    watches.withLock { $0[ObjectIdentifier(call)] = call }
  }

  func watchEnded(_ call: ServerCall) {
    watches.withLock { $0[ObjectIdentifier(call)] = nil }
  }

  /// Ends every watch with UNAVAILABLE: they would keep a shutdown waiting for ever.
  public func endWatches() {
    for call in watches.withLock({ Array($0.values) }) {
      call.fail(RPCError(.unavailable, "the host is shutting down"))
    }
  }
}
