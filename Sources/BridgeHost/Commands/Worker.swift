internal import ArgumentParser
internal import BridgeElixir
internal import BridgeService
internal import BridgeSessions
internal import GRPC

/// `bridge-host worker`: the host as a worker of a pool of Snakepit's.
struct Worker: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Serve as a worker of Snakepit's, the Elixir library of pools.",
    usage: "bridge-host worker <options>",
    discussion: """
      An adapter module in Elixir names bridge-host as its executable, and Snakepit starts it:
        bridge-host worker --plugins ./plugins --port 0 --elixir-address 127.0.0.1:50051
      It also takes the command lines that an adapter for Python makes: in the place of "worker" there may be \
      the adapter's script_path (a name that ends in .py, or an empty one), and options that begin with \
      --snakepit- are passed over.

      The port is written to the file that SNAKEPIT_READY_FILE names, and GRPC_READY:<port> is printed. \
      SNAKEPIT_LOG_LEVEL, SNAKEPIT_PROCESS_GROUP, SNAKEPIT_HEARTBEAT_CONFIG, SNAKEPIT_GRPC_ADDRESS and \
      BRIDGE_HOST_PLUGINS (the plugin directory) count where no option says otherwise.

      All options of serve are options here, with other defaults: plugins run in this process \
      (--isolation in-process), open calls get two seconds at the end (--grace 2), and the end of standard \
      input ends the worker (--exit-on-stdin-eof). ExecuteTool always answers with status OK: what goes wrong \
      is success=false, with a text. docs/worker.md tells more.
      """)

  @Option(
    help: ArgumentHelp(
      "Elixir's own server, whose tools plugins may call and which is told of those here.",
      discussion: "Without it the worker serves by itself.", valueName: "address"),
    transform: ServerAddress.argument)
  var elixirAddress: ServerAddress?

  @Option(
    help: ArgumentHelp(
      "The worker's id in the pool. (default: as the name of the ready file says)", valueName: "id")
  )
  var workerId: String?

  @Option(1...10_000, help: "As --tool-threads, by the name that Snakepit's threaded workers have.")
  var maxWorkers: Int?

  @Option(
    help: ArgumentHelp("Passed over: the Python class that an adapter names.", valueName: "class"))
  var adapter: String?

  @Option(help: .hidden)
  var ignoredOption: [String] = []

  @OptionGroup(title: "As of serve") var serve: Serve

  func validate() throws {
    if elixirAddress?.port == 0 {
      throw ValidationError("--elixir-address names the port 0, which none has")
    }
  }

  func run() throws {
    var serve = serve
    if let maxWorkers { serve.toolThreads = maxWorkers }
    try serve.run(as: role(WorkerEnvironment.process))
  }

  /// What the environment makes of the host.
  func role(_ environment: WorkerEnvironment) -> HostRole {
    var role = HostRole()
    role.answers = Self.answers(environment)
    role.callsSessionsValid = true
    role.sessionKey = "session_id"
    role.takesTracingHeaders = true
    role.leadsProcessGroup = environment.leadsProcessGroup
    role.readyFile = environment.readyFile
    role.elixir = elixirAddress.map { address in
      let id = workerId ?? environment.readyFile.flatMap { PoolWorkerID.id(readyFile: $0) }
      let heartbeats = environment.heartbeats.flatMap { HeartbeatConfiguration(json: $0) }
      return HostRole.Elixir(
        address: address, worker: id, heartbeats: heartbeats ?? HeartbeatConfiguration())
    }
    role.ignoredOptions = ignoredOption
    return role
  }

  /// How Snakepit's pools read answers.
  static func answers(_ environment: WorkerEnvironment) -> AnswerStyle {
    var answers = AnswerStyle()
    answers.failsInAnswers = true
    answers.alwaysHasResult = true
    answers.form = .snakepitURL
    answers.replacesVariables = true
    answers.describesErrorsInJSON = environment.readsErrorsInJSON
    answers.endsStreamsWithResult = environment.readsLastChunk
    return answers
  }
}
