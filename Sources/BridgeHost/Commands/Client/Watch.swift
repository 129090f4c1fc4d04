internal import ArgumentParser
internal import BridgeProtocol
internal import JSON

/// `bridge-host watch`: prints the changes of variables as they happen.
struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Print the changes of variables as they happen.",
    discussion: """
      Runs until it is interrupted, the session ends, or --count updates have come. Text leaves out \
      `synced` and heartbeats; --json prints everything, with the epoch and revision to resume from.
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  @Argument(help: "Names, ids, and patterns with *; none watches everything.")
  var names: [String] = []

  @Flag(help: "Begin with the present values.")
  var initial = false

  @Option(0...Int64.max, help: "Begin after this revision of the session; needs --epoch.")
  var startRevision: Int64?

  @Option(help: "The life of the session that --start-revision belongs to.")
  var epoch: String?

  @Option(1...Int.max, help: "End after so many printed lines.")
  var count: Int?

  func validate() throws {
    if (startRevision == nil) != (epoch == nil) {
      throw ValidationError("--start-revision and --epoch go together")
    }
  }

  func run() throws {
    try client.run { [self] host in
      let request = Snakepit_Bridge_WatchVariablesRequest.with {
        $0.sessionID = session.session
        $0.variableIdentifiers = names
        $0.includeInitialValues = initial
        $0.includeSynced = initial
        $0.startRevision = startRevision ?? 0
        $0.epoch = epoch ?? ""
      }
      var left = count ?? .max
      do {
        try await host.stream(BridgeMethods.watchVariables, request) {
          guard let line = client.json ? Self.json($0) : Self.text($0) else { return true }
          left -= 1
          try StandardOutput.writeLine(line)
          return left > 0
        }
      } catch let error as OutputError where error.isReaderGone {
        // A reader that has seen enough ends the watch.
      }
    }
  }

  private static func text(_ update: Snakepit_Bridge_VariableUpdate) -> String? {
    switch update.updateType {
    case "heartbeat", "synced": nil
    case "session_closed": "session closed (\(update.cause))"
    case "deleted": "\(update.variable.name) deleted  (revision \(update.revision))"
    default:
      VariableListing.line(update.variable) + " by \(update.updateSource)"
    }
  }

  private static func json(_ update: Snakepit_Bridge_VariableUpdate) -> String {
    var members: [JSON.Member] = [
      .init(key: "update", value: .string(update.updateType)),
      .init(key: "revision", value: .integer(update.revision)),
      .init(key: "epoch", value: .string(update.epoch)),
      .init(key: "time", value: .string(VariableListing.time(update.timestamp))),
    ]
    if update.hasVariable {
      members += [
        .init(key: "source", value: .string(update.updateSource)),
        .init(key: "metadata", value: VariableListing.json(update.updateMetadata)),
        .init(key: "variable", value: VariableListing.json(update.variable)),
      ]
    }
    if update.hasOldValue {
      members.append(
        .init(key: "old_value", value: VariableListing.json(Array(update.oldValue.value))))
    }
    if !update.cause.isEmpty { members.append(.init(key: "cause", value: .string(update.cause))) }
    return JSON.object(members).text
  }
}
