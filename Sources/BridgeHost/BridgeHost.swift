internal import ArgumentParser
internal import BridgePluginHost

/// The command line of bridge-host.
///
/// Every command gives its name: making one of its type's costs more than reading all options.
@main
struct BridgeHost: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bridge-host",
    abstract: "Serves sessions, typed variables and plugin tools over gRPC.",
    discussion: """
      Clients speak snakepit.bridge.BridgeService (Protos/snakepit/bridge/bridge.proto). Tools come \
      from shared objects and manifests in the plugin directory.

      Example:
        bridge-host serve --plugins ./plugins --port 50051
      """,
    version: hostVersion,
    subcommands: [Serve.self, Worker.self, Tools.self, Manifest.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Plugin authors",
        subcommands: [
          NewPlugin.self, Call.self, Validate.self, Doc.self, ReplayRecord.self,
          TestHostCommand.self,
        ]),
      CommandGroup(
        name: "Client",
        subcommands: [
          Ping.self, Get.self, SetValue.self, ListVariables.self, Delete.self, Watch.self,
          Execute.self, ListSessions.self, DescribeSession.self, EndSession.self,
          ExportSession.self, ImportSession.self, Plugins.self,
        ]),
    ])

  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    do {
      if WorkerArguments.areStart(arguments) { arguments.insert("worker", at: 0) }
      if let name = arguments.first, ["serve", "worker"].contains(name) {
        arguments = try prepared(name, Array(arguments.dropFirst()))
      }
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch {
      exit(telling: error)
    }
  }

  /// The arguments of `serve` or `worker` with those of the configuration file, and the latter's with what its
  /// environment says.
  private static func prepared(_ name: String, _ arguments: [String]) throws -> [String] {
    var arguments = arguments
    if name == "worker" { arguments = WorkerArguments.withoutScript(arguments) }
    let file = try ConfigurationFile.path(in: arguments).map { path in
      try failingPlainly { try ConfigurationFile(path: path) }
    }
    if let file { arguments = file.merged(with: arguments) }
    if name == "worker" {
      arguments = WorkerArguments.complete(arguments, WorkerEnvironment.process)
    }
    let command: any ParsableCommand.Type = name == "worker" ? Worker.self : Serve.self
    if let file {
      do {
        _ = try command.parse(arguments)
      } catch {
        if let (line, error) = file.wrongLine(of: command) {
          let message = command.message(for: error)
          throw ValidationError("\(file.path), line \(line): \(message)")
        }
      }
    }
    return [name] + arguments
  }
}
