internal import ArgumentParser
internal import BridgeProtocol
internal import JSON

/// `bridge-host sessions`: lists sessions.
struct ListSessions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessions", abstract: "List sessions and how much they hold.")

  @OptionGroup var client: ClientOptions

  @Argument(help: "Only ids that match; * stands for any run of characters.")
  var pattern = ""

  func run() throws {
    try client.run { [self] host in
      var request = BridgeHost_V1_ListSessionsRequest.with { $0.pattern = pattern }
      while true {
        let page = try await host.read(SessionAdminMethods.listSessions, request).sessions
        for session in page { try StandardOutput.writeLine(line(session)) }
        guard let last = page.last else { return }
        request.afterSessionID = last.sessionID
      }
    }
  }

  private func line(_ session: BridgeHost_V1_SessionSummary) -> String {
    guard client.json else {
      return "\(session.sessionID)  \(session.variableCount) variables, \(session.watchCount) "
        + "watches, revision \(session.revision), last used "
        + VariableListing.time(session.lastUsedAt)
    }
    return JSON.object([
      .init(key: "session", value: .string(session.sessionID)),
      .init(key: "variables", value: .integer(session.variableCount)),
      .init(key: "watches", value: .integer(session.watchCount)),
      .init(key: "revision", value: .integer(session.revision)),
      .init(key: "epoch", value: .string(session.epoch)),
      .init(key: "created_at", value: .string(VariableListing.time(session.createdAt))),
      .init(key: "last_used_at", value: .string(VariableListing.time(session.lastUsedAt))),
      .init(key: "value_bytes", value: .integer(session.valueBytes)),
    ]).text
  }
}
