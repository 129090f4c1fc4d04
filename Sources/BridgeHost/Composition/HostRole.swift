internal import BridgeElixir
internal import BridgeService
internal import GRPC

/// What a host is started as: a server, if nothing else is said, or a worker of a pool.
struct HostRole {
  /// How calls of tools are answered.
  var answers = AnswerStyle()
  /// Whether Heartbeat calls every session valid.
  var callsSessionsValid = false
  /// The key of a tool call's metadata that names its session, where no option says so; nil looks at none.
  var sessionKey: String?
  /// Whether headers join calls of one piece of work.
  var takesTracingHeaders = false
  /// Whether the process is to lead a process group, so that all it starts ends with it.
  var leadsProcessGroup = false
  /// The file that tells the launcher the port.
  var readyFile: String?
  /// Elixir's own server; nil where there is none.
  var elixir: Elixir?
  /// Options that are not known, to be told of; without their dashes.
  var ignoredOptions: [String] = []

  /// What a worker knows of the Elixir side.
  struct Elixir {
    /// Where its server listens.
    var address: ServerAddress
    /// The worker's id in the pool; nil where it is not known.
    var worker: String?
    /// How it is told that the worker lives.
    var heartbeats = HeartbeatConfiguration()
  }
}
