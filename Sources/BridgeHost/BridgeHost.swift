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
    subcommands: [Serve.self, Tools.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Client",
        subcommands: [
          Ping.self, Get.self, SetValue.self, ListVariables.self, Delete.self, Watch.self,
          Execute.self, ListSessions.self, DescribeSession.self, EndSession.self,
          ExportSession.self, ImportSession.self, Plugins.self,
        ])
    ])

  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    do {
      if arguments.first == "serve", let path = ConfigurationFile.path(in: arguments) {
        arguments = try configured(Array(arguments.dropFirst()), path)
      }
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch {
      exit(telling: error)
    }
  }

  /// The arguments of `serve` with those of its configuration file.
  private static func configured(_ arguments: [String], _ path: String) throws -> [String] {
    let file = try failingPlainly { try ConfigurationFile(path: path) }
    let merged = file.merged(with: arguments)
    do {
      _ = try Serve.parse(merged)
    } catch {
      if let (line, error) = file.wrongLine() {
        let message = Serve.message(for: error)
        throw ValidationError("\(file.path), line \(line): \(message)")
      }
    }
    return ["serve"] + merged
  }
}
