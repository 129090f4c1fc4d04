internal import BridgeCluster
internal import BridgeElixir
internal import BridgeService
internal import BridgeTools
internal import GRPC
internal import GRPCServices
internal import Glibc
internal import Logging
internal import NIOCore

extension Serve {
  /// Starts the parts of the host. This is their order; at the end they drain and stop the other way
  /// round.
  func start(
    _ components: ComponentStack, _ role: HostRole, _ logger: Logger
  ) throws -> (server: ServerComponent, plugins: PluginsComponent) {
    let elixir = role.elixir.map { ElixirComponent($0, logger: logger) }
    let telemetry = TelemetryComponent(logger: logger)
    let recorder = try record.makeRecorder(logger)
    let plugins = makePlugins(elixir, telemetry, recorder, logger)
    // The program that makes their processes starts meanwhile.
    plugins.prepare()
    let storage = try components.start(
      StateComponent { try state.open(historyVersions: sessions.historyVersions, logger) }
    ).storage
    let store = try components.start(
      SessionsComponent(
        limits: sessions.limits, storage: storage, form: role.answers.form, logger: logger)
    ).sessions
    let sessionHost = try sharedSessions.makeHost(createsSessions: autoCreateSessions)
    if let otlpEndpoint {
      try components.start(SpanExport(otlpEndpoint, of: telemetry.telemetry, logger: logger))
    }
    if let elixir { try components.start(elixir) }
    if let recorder { try components.start(RecordComponent(recorder)) }
    try components.start(plugins)
    elixir?.sessions.attach(store, plugins.tools)
    let service = BridgeService(
      sessions: store, tools: plugins.tools, toolSessions: sessionHost,
      configuration: serviceConfiguration(role), logger: logger)
    let health = HealthStatus()
    let methods =
      bridgeMethods(service, sessionHost, elixir, telemetry)
      + SessionAdmin(sessions: store).methods + Transactions(service).methods
      + ToolAdmin(service, plugins: plugins.inventory).methods + ClientToolServing(service).methods
      + HealthService(health).methods + reflectionMethods
    try components.start(WatchesComponent(service))
    try components.start(HealthComponent(health, services: [BridgeService.name]))
    let prepared = try makeServer(methods, logger)
    plugins.finishLoading()
    let server = try components.start(prepared)
    try components.start(SessionSweep(store, on: server.server.eventLoopGroup, logger: logger))
    // They end first.
    try components.start(telemetry)
    if let elixir { try components.start(ElixirReadiness(elixir)) }
    warn(logger, hasTools: plugins.tools.registry.catalog.count > 0)
    return (server, plugins)
  }

  /// Tells of what is allowed, and seldom meant.
  private func warn(_ logger: Logger, hasTools: Bool) {
    if geteuid() == 0 { logger.warning("running as root: tools do, too") }
    if connections.maxConnections > DescriptorLimit.connections {
      logger.warning(
        "there may be too few descriptors for --max-connections",
        metadata: ["descriptors_for": "\(DescriptorLimit.connections)"])
    }
    if hasTools, listening.letsAnyUserCall {
      logger.warning(
        "every user of this machine can run tools as this one: use --token-file or a Unix socket")
    }
  }

  private func serviceConfiguration(_ role: HostRole) -> BridgeService.Configuration {
    var configuration = BridgeService.Configuration()
    configuration.answers = role.answers
    configuration.callsSessionsValid = role.callsSessionsValid
    configuration.takesTracingHeaders = role.takesTracingHeaders || otlpEndpoint != nil
    configuration.createsSessions = autoCreateSessions
    configuration.sessionKey = sharedSessions.sessionKey ?? role.sessionKey
    return configuration
  }

  /// Those of the bridge. Those of sessions are another host's where it holds them; some are Elixir's, and a
  /// worker hands them on.
  private func bridgeMethods(
    _ service: BridgeService, _ sessionHost: SessionHost?, _ elixir: ElixirComponent?,
    _ telemetry: TelemetryComponent
  ) -> [RPCMethod] {
    var methods = service.methods
    if let sessionHost {
      methods = SessionForwarding(to: sessionHost).forwarding(methods, of: service)
    }
    let forwarded = elixir.map { ElixirForwarding(to: $0.connection).methods } ?? []
    let others = forwarded + telemetry.streams.methods
    let paths = Set(others.map(\.path))
    return methods.filter { !paths.contains($0.path) } + others
  }

  private func makePlugins(
    _ elixir: ElixirComponent?, _ telemetry: TelemetryComponent, _ recorder: (any ToolRecorder)?,
    _ logger: Logger
  ) -> PluginsComponent {
    var threads = ToolThreads.Configuration()
    threads.toolThreads = toolThreads
    return PluginsComponent(
      directory: plugins?.path, watches: pluginProcesses.watchPlugins,
      pluginProcesses.configuration(calls: toolThreads),
      threads: threads, peer: elixir?.sessions, observer: telemetry.telemetry, recorder: recorder,
      logger: logger)
  }

  private var reflectionMethods: [RPCMethod] {
    guard reflection else { return [] }
    let services = [
      BridgeService.name, SessionAdmin.name, Transactions.name, ToolAdmin.name,
      ClientToolServing.name,
      HealthService.name,
    ]
    return ReflectionService(services: services) { [BridgeService.descriptorSet] }.methods
  }

  private func makeServer(_ methods: [RPCMethod], _ logger: Logger) throws -> ServerComponent {
    let admission = try listening.makeAdmission(logger)
    let server = GRPCServer(
      methods: methods, eventLoops: eventLoops > 0 ? eventLoops : System.coreCount,
      limits: serverLimits, admission: admission.map { [RefusalLog($0, logger: logger)] } ?? [],
      observer: AccessLog(logger),
      errorDetails: BridgeService.errorDetails(of:), logger: logger)
    return ServerComponent(
      server, listening: listening, admission: admission, grace: .seconds(Int64(grace)))
  }

  var serverLimits: ServerLimits {
    var limits = ServerLimits()
    limits.messageSize = maxMessageBytes
    // Room for two of the largest requests, and one such answer.
    limits.requestBytes = max(limits.requestBytes, 2 * maxMessageBytes)
    limits.answerBytes = max(limits.answerBytes, maxMessageBytes)
    connections.apply(to: &limits)
    return limits
  }
}
