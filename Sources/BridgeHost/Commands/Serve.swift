import ArgumentParser
import BridgePluginHost
import BridgeService
import BridgeSessions
import BridgeStorage
import GRPC
import GRPCServices
import Logging
import NIOCore

/// `bridge-host serve`: puts the parts together and runs them until a signal comes.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve sessions, variables and tools.",
    discussion: """
      Prints GRPC_READY:<port> alone on a line of standard output once every address accepts \
      connections (the port of the first TCP address; without one, GRPC_READY:unix:<path>); logs \
      go to standard error. SIGTERM and SIGINT let open calls finish for --grace seconds and \
      end with exit code 0; a second signal ends at once.

      A plugin directory is code that runs as you: files that others can write are refused.

      Without options it listens on loopback, for programs of this machine. For other machines:
        bridge-host serve --plugins ./plugins --listen 0.0.0.0:50051 \\
          --tls-certificate server.pem --tls-key server.key --tls-client-ca clients.pem
      docs/serving.md shows how to make these files and how to use tokens.
      """)

  @Option(help: "Directory whose .so plugins and .native.json manifests are loaded.")
  var plugins: String?

  @OptionGroup(title: "Addresses and access") var listening: ListeningOptions

  @OptionGroup var logging: LoggingOptions

  @Option(0...86_400, help: "Seconds that open calls get to finish on shutdown.")
  var grace = 5

  @Option(0...1024, help: "Threads that serve connections; 0 takes one a core.")
  var eventLoops = 0

  @Option(1...10_000, help: "Threads that run tools; each running call holds one.")
  var toolThreads = 64

  @Option(1024...2_147_483_647, help: "Largest message in bytes.")
  var maxMessageBytes = 64 * 1024 * 1024

  @Option(1...2_147_483_647, help: "Seconds of idleness after which a session ends.")
  var sessionTtl = 3600

  @Option(1...100_000_000, help: "Sessions held at most.")
  var maxSessions = 100_000

  @Option(1...100_000_000, help: "Variables held at most in one session.")
  var maxVariables = 1_000_000

  @Option(1024...1 << 50, help: "Bytes the values of one session may take, about.")
  var maxSessionBytes = 1 << 30

  @Option(1024...1 << 50, help: "Bytes the values of all sessions may take, about.")
  var maxBytes = 8 << 30

  @Option(
    0...1_000_000, help: "Past versions a variable keeps, for history and rollback; 0 keeps none.")
  var historyVersions = 100

  @Option(0...1 << 40, help: "Bytes the past versions of one session may take.")
  var historyBytes = 16 << 20

  @OptionGroup var state: StateOptions

  @Option(1...100_000_000, help: "Changes a session keeps, for watches to resume from.")
  var watchLogChanges = 10_000

  @Option(1024...1 << 40, help: "Bytes those changes may take.")
  var watchLogBytes = 32 * 1024 * 1024

  @Flag(
    inversion: .prefixedNo,
    help: "Create a session when RegisterVariable, ExecuteTool or WatchVariables name a new one.")
  var autoCreateSessions = true

  @Flag(
    inversion: .prefixedNo,
    help: "Answer server reflection, by which grpcurl and buf learn the protocol.")
  var reflection = true

  @OptionGroup(title: "Connections") var connections: ConnectionOptions

  func run() throws {
    let logger = logging.makeLogger()
    // Before any thread is made: threads inherit the mask.
    let signals = SignalWaiter()
    let pluginHost = try loadPlugins(logger)
    let storage = try state.open(historyVersions: historyVersions, logger)
    let sessions = SessionStore(limits: sessionLimits, journal: storage)
    try state.restore(sessions, from: storage, logger)
    var configuration = BridgeService.Configuration()
    configuration.createsSessions = autoCreateSessions
    let service = BridgeService(
      sessions: sessions, plugins: pluginHost, configuration: configuration, logger: logger)
    let health = Self.makeHealth()
    var limits = ServerLimits()
    limits.messageSize = maxMessageBytes
    // Room for a few of the largest messages.
    limits.requestBytes = max(limits.requestBytes, 2 * maxMessageBytes)
    limits.answerBytes = max(limits.answerBytes, 2 * maxMessageBytes)
    connections.apply(to: &limits)
    let admission = try failingPlainly { try listening.makeAdmission(logger) }
    let server = GRPCServer(
      methods: methods(of: service, sessions, health: health),
      eventLoops: eventLoops > 0 ? eventLoops : System.coreCount,
      limits: limits, admission: admission.map { [$0] } ?? [], logger: logger)
    let bound = try listen(server)
    admission?.watch(on: server.eventLoopGroup)
    let sweep = SessionSweep(sessions: sessions, logger: logger)
    sweep.start(on: server.eventLoopGroup)
    StandardOutput.writeLine("GRPC_READY:\(Self.readyName(of: bound))")
    logger.info(
      "serving",
      metadata: [
        "address": "\(bound.map { "\($0)" }.joined(separator: ", "))",
        "tools": "\(pluginHost.toolCount)",
        "version": "\(hostVersion)",
      ])

    let signal = signals.wait()
    logger.info("shutting down", metadata: ["signal": "\(signal)", "grace": "\(grace)s"])
    signals.exitOnNext()
    health.drain()
    sweep.stop()
    service.endWatches()
    server.shutDown(grace: .seconds(Int64(grace)))
    pluginHost.stop()
    storage?.stop()
    logger.info("stopped")
  }

  private var sessionLimits: SessionLimits {
    var limits = SessionLimits()
    limits.sessions = maxSessions
    limits.variablesPerSession = maxVariables
    limits.sessionBytes = maxSessionBytes
    limits.totalBytes = maxBytes
    limits.historyVersions = historyVersions
    limits.historyBytes = historyBytes
    limits.logChanges = watchLogChanges
    limits.logBytes = watchLogBytes
    limits.timeToLive = sessionTtl
    return limits
  }

  private func loadPlugins(_ logger: Logger) throws -> PluginHost {
    var configuration = PluginHost.Configuration()
    configuration.toolThreads = toolThreads
    let host = PluginHost(configuration: configuration, logger: logger)
    guard let plugins else { return host }
    for report in try failingPlainly({ try host.loadDirectory(plugins) }) {
      switch report.result {
      case .success(let tools):
        logger.info(
          "plugin loaded",
          metadata: ["file": "\(report.file)", "tools": "\(tools.joined(separator: ", "))"])
      case .failure(let error):
        logger.error("plugin skipped", metadata: ["file": "\(report.file)", "error": "\(error)"])
      }
    }
    return host
  }

  private func listen(_ server: GRPCServer) throws -> [ServerAddress] {
    try failingPlainly {
      do {
        return try listening.open(server)
      } catch {
        // Removes the files of the sockets that were opened.
        server.shutDown(grace: .zero)
        throw error
      }
    }
  }

  /// What a launcher waits for: the port of the first TCP address, or the first Unix socket.
  private static func readyName(of addresses: [ServerAddress]) -> String {
    addresses.lazy.compactMap(\.port).first.map { "\($0)" } ?? "\(addresses[0])"
  }
}
