/// The command line that Snakepit makes, as `bridge-host worker` reads it.
enum WorkerArguments {
  /// Whether a command line is one of Snakepit's that does not name the command: an adapter's `script_path`
  /// comes first there, which may be empty.
  static func areStart(_ arguments: [String]) -> Bool { arguments.first.map(isScript) ?? false }

  private static func isScript(_ argument: String) -> Bool {
    argument.isEmpty || argument.hasSuffix(".py")
  }

  /// The arguments after the script, if there is one.
  static func withoutScript(_ arguments: [String]) -> [String] {
    Array(arguments.drop(while: isScript))
  }

  /// Options of Snakepit's own bookkeeping, which are of no use here.
  private static let unused: Set<String> = [
    "snakepit-run-id", "snakepit-instance-name", "snakepit-instance-token",
  ]

  /// The arguments as the command takes them: without those for Snakepit's bookkeeping, and with what the
  /// environment and the defaults of a worker say, where nothing else was said.
  static func complete(_ given: [String], _ environment: WorkerEnvironment) -> [String] {
    var arguments: [String] = []
    var ignored: [String] = []
    var rest = given[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--snakepit-") else {
        arguments.append(argument)
        continue
      }
      let name = String(argument.dropFirst(2).prefix { $0 != "=" })
      let isKnown = unused.contains(name)
      if !isKnown { ignored.append(name) }
      // Its value: that of an unknown one may not be there.
      if !argument.contains("="), let next = rest.first, isKnown || !next.hasPrefix("--") {
        rest.removeFirst()
      }
    }
    let names = Set(arguments.compactMap(ConfigurationFile.optionName))
    var defaults: [String] = []
    func use(_ name: String, _ value: String?) {
      guard !names.contains(name), let value else { return }
      defaults += ["--\(name)", value]
    }
    use("grace", "2")
    use("isolation", PluginOptions.Isolation.inProcess.rawValue)
    use("log-level", environment.logLevel?.rawValue)
    use("plugins", environment.plugins)
    use("elixir-address", environment.elixirAddress)
    if !names.contains("exit-on-stdin-eof") { defaults.append("--exit-on-stdin-eof") }
    return defaults + arguments + ignored.flatMap { ["--ignored-option", $0] }
  }
}
