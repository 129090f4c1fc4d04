internal import ArgumentParser
internal import BridgeProtocol

/// `bridge-host list`: lists the variables of a session.
struct ListVariables: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the variables of a session, oldest first.")

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  @Argument(help: "A pattern; * stands for any run of characters.")
  var pattern = ""

  func run() throws {
    try client.run { [self] host in
      let request = Snakepit_Bridge_ListVariablesRequest.with {
        $0.sessionID = session.session
        $0.pattern = pattern
      }
      let answer = try await host.read(BridgeMethods.listVariables, request)
      for variable in answer.variables {
        try StandardOutput.writeLine(
          client.json ? VariableListing.json(variable).text : VariableListing.line(variable))
      }
    }
  }
}
