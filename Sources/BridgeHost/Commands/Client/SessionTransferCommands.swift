internal import ArgumentParser
internal import BridgeProtocol

/// `bridge-host export-session`: writes a session as JSON to standard output.
struct ExportSession: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export-session",
    abstract: "Write a session as JSON to standard output.",
    discussion: """
      The text has the variables with their past versions and dependencies, and makes the same \
      session with import-session, here or at another host.

      Example:
        bridge-host export-session --session experiment > experiment.json
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  func run() throws {
    try client.run { [self] host in
      let request = BridgeHost_V1_ExportSessionRequest.with { $0.sessionID = session.session }
      try await host.stream(SessionAdminMethods.exportSession, request) {
        try StandardOutput.write(Array($0.data))
        return true
      }
      try StandardOutput.writeLine("")
    }
  }
}

/// `bridge-host import-session`: makes a session from JSON on standard input.
struct ImportSession: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import-session",
    abstract: "Make a session from what export-session wrote, read from standard input.",
    discussion: """
      Versions and revisions go on from where they were; watches of the old session cannot resume \
      on the new one.

      Example:
        bridge-host import-session --as copy < experiment.json
      """)

  @OptionGroup var client: ClientOptions

  @Option(name: .customLong("as"), help: "The new session's id, if not the old one.")
  var id: String?

  func run() throws {
    var requests: [BridgeHost_V1_ImportSessionRequest] = []
    try failingPlainly {
      while let piece = try StandardInput.read(64 * 1024) {
        requests.append(
          .with {
            $0.data = .init(piece)
            $0.sessionID = id ?? ""
          })
      }
    }
    try client.run { [requests] host in
      let answer = try await host.send(SessionAdminMethods.importSession, requests)
      try StandardOutput.writeLine(
        "\(answer.sessionID)  \(answer.variableCount) variables, revision \(answer.revision)")
    }
  }
}
