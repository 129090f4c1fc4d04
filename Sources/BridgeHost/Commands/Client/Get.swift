internal import ArgumentParser
internal import BridgeProtocol

/// `bridge-host get`: reads variables.
struct Get: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Print the values of variables.",
    discussion: """
      One name prints the value alone, several print a line each, all read at one moment. Texts \
      stand without quotes.
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  @Argument(help: "Names or ids of variables.")
  var names: [String]

  func run() throws {
    try client.run { [self] host in
      for variable in try await read(host) {
        if client.json {
          try StandardOutput.writeLine(VariableListing.json(variable).text)
        } else if names.count == 1 {
          try StandardOutput.writeText(VariableListing.value(variable))
        } else {
          try StandardOutput.writeLine(VariableListing.line(variable))
        }
      }
    }
  }

  private func read(_ host: HostClient) async throws -> [Snakepit_Bridge_Variable] {
    if names.count == 1 {
      let request = Snakepit_Bridge_GetVariableRequest.with {
        $0.sessionID = session.session
        $0.variableIdentifier = names[0]
      }
      return [
        try await host.read(BridgeMethods.getVariable, request)
          .variable
      ]
    }
    let request = Snakepit_Bridge_BatchGetVariablesRequest.with {
      $0.sessionID = session.session
      $0.variableIdentifiers = names
    }
    let answer = try await host.read(BridgeMethods.getVariables, request)
    guard answer.missingVariables.isEmpty else {
      throw PlainError(
        "NOT_FOUND: there is no variable \(answer.missingVariables.joined(separator: ", "))")
    }
    return names.compactMap { answer.variables[$0] }
  }
}
