internal import ArgumentParser
internal import BridgePluginHost
internal import Glibc
internal import Logging
internal import NIOCore
internal import Threads

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
  var plugins: FilePath?

  @OptionGroup(title: "Plugins") var pluginProcesses: PluginOptions

  @Option(
    help: ArgumentHelp(
      "File of these options: \"name = value\", a line each.",
      discussion: "Flags take true or false. What is on the command line counts instead.",
      valueName: "file"))
  var config: FilePath?

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

  @OptionGroup var sessions: SessionOptions

  @OptionGroup var state: StateOptions

  @Flag(
    inversion: .prefixedNo,
    help: "Create a session when RegisterVariable, ExecuteTool or WatchVariables name a new one.")
  var autoCreateSessions = true

  @Flag(
    inversion: .prefixedNo,
    help: "Answer server reflection, by which grpcurl and buf learn the protocol.")
  var reflection = true

  @Option(
    help: ArgumentHelp(
      "Collector of OpenTelemetry that calls of tools are told to, as spans (OTLP over gRPC).",
      discussion:
        "http://HOST:4317, or https://HOST:4317 with a certificate that the system trusts.",
      valueName: "url"),
    transform: OTLPEndpoint.argument)
  var otlpEndpoint: OTLPEndpoint?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "End when standard input does: whoever has started the host is gone.",
      discussion: "A pipe or a socket has such an end; what else is standard input is left alone."))
  var exitOnStdinEof = false

  @OptionGroup(title: "Record") var record: RecordOptions

  @OptionGroup(title: "Sessions of another host") var sharedSessions: SharedSessionOptions

  @OptionGroup(title: "Connections") var connections: ConnectionOptions

  func validate() throws {
    if sharedSessions.variablesFrom != nil && state.directory != nil {
      throw ValidationError(
        "--state keeps the sessions of this host, and with --variables-from it has none")
    }
  }

  func run() throws { try run(as: HostRole()) }

  /// Runs the host until a signal comes.
  func run(as role: HostRole) throws {
    if role.leadsProcessGroup {
      // setsid(2): EPERM says that it leads a group already.
      _ = setsid()
    }
    let descriptors = ProcessDescriptors()
    HeapMemory.configure()
    DescriptorLimit.raise()
    // Before any thread is made: threads inherit the mask.
    let signals = SignalWaiter()
    let (logger, log) = logging.makeLog(to: descriptors.log)
    let components = ComponentStack(logger: logger)
    let isEndedByPlugin = Locked(false)
    PluginExit.handle { function, file in
      // The first alone: a second signal ends the process at once.
      guard
        isEndedByPlugin.withLock({ flag in
          defer { flag = true }; return !flag
        })
      else { return }
      logger.error(
        "a thread of a plugin's own ends the host",
        metadata: ["called": "\(function)", "file": "\(file)"])
      kill(getpid(), SIGTERM)
    }
    HeapMemory.startTrimming()
    if exitOnStdinEof { ParentWatch.begin { signals.end(ParentWatch.reason) } }
    let (server, plugins) = try failingPlainly { try start(components, role, logger) }
    for option in role.ignoredOptions {
      logger.warning("option ignored, which is not known", metadata: ["option": "--\(option)"])
    }
    signals.expect()
    if let file = role.readyFile {
      try failingPlainly { try ReadyFile.write(server.readyName, to: file) }
    }
    descriptors.sayReady(server.readyName)
    logger.info(
      "serving",
      metadata: [
        "address": "\(server.addresses.map { "\($0)" }.joined(separator: ", "))",
        "tools": "\(plugins.tools.registry.catalog.count)",
        "version": "\(hostVersion)",
      ])

    let signal = signals.wait()
    // Nobody is there any more who waits for an answer.
    if signal == ParentWatch.reason { server.grace = .zero }
    logger.info(
      "shutting down",
      metadata: ["signal": "\(signal)", "grace": "\(server.grace.nanoseconds / 1_000_000_000)s"])
    signals.exitOnNext()
    components.shutDown()
    logger.info("stopped")
    log?.flush(atMost: Self.flushTime)
    // Not `exit`: what a plugin registered to run there could hold up the end.
    _exit(isEndedByPlugin.withLock { $0 } ? 1 : 0)
  }

  /// Milliseconds that the last log lines get to be read.
  private static let flushTime: Int64 = 1000
}
