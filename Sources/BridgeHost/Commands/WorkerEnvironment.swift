internal import Glibc

/// What Snakepit tells a worker by its environment.
///
/// This is where the versions of Snakepit are told apart, as far as their start tells: each difference has a
/// property. What else differs is told by the type URLs that they send.
struct WorkerEnvironment {
  private let value: (String) -> String?

  /// - Parameter value: Looks a variable up.
  init(_ value: @escaping (String) -> String?) { self.value = value }

  /// That of this process.
  static var process: WorkerEnvironment {
    WorkerEnvironment { name in getenv(name).map { String(cString: $0) } }
  }

  /// A variable that is not empty.
  private subscript(name: String) -> String? {
    value(name).flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Where the port is to be written; since 0.8.1.
  var readyFile: String? { self["SNAKEPIT_READY_FILE"] }

  /// Least level that is logged; nil where it says none that is known.
  var logLevel: LoggingOptions.Level? {
    self["SNAKEPIT_LOG_LEVEL"].flatMap { LoggingOptions.Level(rawValue: $0.lowercased()) }
  }

  /// Whether to lead a process group.
  var leadsProcessGroup: Bool {
    ["1", "true", "yes", "on"].contains(self["SNAKEPIT_PROCESS_GROUP"]?.lowercased())
  }

  /// A JSON object; since 0.6.4.
  var heartbeats: String? { self["SNAKEPIT_HEARTBEAT_CONFIG"] }

  /// Where Elixir's server is, if no option says.
  var elixirAddress: String? { self["SNAKEPIT_GRPC_ADDRESS"] ?? self["SNAKEPIT_ELIXIR_ADDRESS"] }

  /// The plugin directory, if no option says.
  var plugins: String? { self["BRIDGE_HOST_PLUGINS"] }

  // MARK: What differs by version

  /// Whether the pool hands on what the last chunk of a stream has: from 0.6.4 on. To those before, it is an
  /// empty one more.
  var readsLastChunk: Bool { readyFile != nil || heartbeats != nil }

  /// Whether the pool makes an exception of an error that is a JSON object: from 0.8.0 on, of which 0.8.0
  /// itself, which cannot be told from older ones, makes one of a plain text as well.
  var readsErrorsInJSON: Bool { readyFile != nil }
}
