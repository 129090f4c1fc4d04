internal import ArgumentParser
internal import BridgeProtocol

/// `bridge-host delete`: removes a variable.
struct Delete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Remove a variable.")

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  @Argument(help: "Name or id of the variable.")
  var name: String

  func run() throws {
    try client.run { [self] host in
      let request = Snakepit_Bridge_DeleteVariableRequest.with {
        $0.sessionID = session.session
        $0.variableIdentifier = name
      }
      let answer = try await host.act(BridgeMethods.deleteVariable, request)
      guard answer.success else { throw PlainError(answer.errorMessage) }
    }
  }
}
