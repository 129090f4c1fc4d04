internal import ArgumentParser
internal import BridgeProtocol
internal import JSON

/// `bridge-host session`: describes a session.
struct DescribeSession: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session", abstract: "Describe a session.")

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  func run() throws {
    try client.run { [self] host in
      let request = Snakepit_Bridge_GetSessionRequest.with { $0.sessionID = session.session }
      let answer = try await host.read(BridgeMethods.getSession, request)
      let members: [JSON.Member] = [
        .init(key: "session", value: .string(answer.sessionID)),
        .init(key: "variables", value: .integer(Int64(answer.variableCount))),
        .init(key: "tools", value: .integer(Int64(answer.toolCount))),
        .init(key: "watches", value: .integer(Int64(answer.watchCount))),
        .init(key: "revision", value: .integer(answer.revision)),
        .init(key: "epoch", value: .string(answer.epoch)),
        .init(key: "created_at", value: .string(VariableListing.time(answer.createdAt))),
        .init(key: "last_used_at", value: .string(VariableListing.time(answer.lastUsedAt))),
        .init(key: "ttl_seconds", value: .integer(Int64(answer.ttlSeconds))),
        .init(key: "metadata", value: VariableListing.json(answer.metadata)),
      ]
      if client.json {
        try StandardOutput.writeLine(JSON.object(members).text)
        return
      }
      for member in members {
        try StandardOutput.writeLine("\(member.key): \(member.value.plainText)")
      }
    }
  }
}

/// `bridge-host end-session`: ends a session with all it holds.
struct EndSession: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "end-session", abstract: "End a session and remove its variables.")

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  func run() throws {
    try client.run { [self] host in
      let request = Snakepit_Bridge_CleanupSessionRequest.with { $0.sessionID = session.session }
      let answer = try await host.act(BridgeMethods.cleanupSession, request)
      let text =
        client.json
        ? JSON.object([
          .init(key: "resources_cleaned", value: .integer(Int64(answer.resourcesCleaned)))
        ]).text : "\(answer.resourcesCleaned) variables and watches removed"
      try StandardOutput.writeLine(text)
    }
  }
}

extension JSON {
  /// A string without its quotes; other values as they are.
  fileprivate var plainText: String {
    if case .string(let text) = self { text } else { text }
  }
}
