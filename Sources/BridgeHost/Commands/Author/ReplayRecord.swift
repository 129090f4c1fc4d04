internal import ArgumentParser
internal import BridgePlugins
internal import BridgeRecording
internal import BridgeTools
internal import JSON
internal import Logging

/// `bridge-host replay`: runs recorded calls again, with another build of a plugin.
struct ReplayRecord: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Run recorded calls again with another build of a plugin.",
    discussion: """
      Takes what `bridge-host serve --record DIR` has written. Each call gets the arguments it had, and what \
      the tool asks its host for is answered from the record: no session is needed, and nothing is changed. \
      Prints how each call differs: what it answers, emits, writes, asks for and in which order. Lines with \
      "-" are of the record, those with "+" of the new build.

      The exit code is 0 when all calls do what they did, 1 when some do not, and 2 when nothing could be \
      compared.

      Example:
        bridge-host serve --plugins ./plugins --record ./calls
        bridge-host replay ./calls --plugin ./build/libweather.so
        bridge-host replay ./calls --plugin ./build/libweather.so --float-tolerance 1e-9 --update
      """)

  @Argument(help: "Directory of a record, or one of its .jsonl files.")
  var record: String

  @Option(help: "The plugin: a .so, or a .native.json.")
  var plugin: String

  @Option(
    help: ArgumentHelp("Only calls of this tool; may be given several times.", valueName: "name"))
  var tool: [String] = []

  @Option(
    help: ArgumentHelp(
      "By how much floats may differ, of the larger of the two, such as 1e-9.", valueName: "part"),
    transform: ReplayRecord.tolerance)
  var floatTolerance = 0.0

  @Option(
    help: ArgumentHelp(
      "Tell of calls that take so many times as long as they did, of the tool's own time.",
      discussion: "Each is run three times, and less than a millisecond more is not told of.",
      valueName: "factor"),
    transform: ReplayRecord.factor)
  var slowerThan: Double?

  @Option(help: "How long a call may take, such as 30s.")
  var timeout: DurationArgument?

  @Option(help: ArgumentHelp("The plugin's configuration, a JSON object.", valueName: "json"))
  var configuration: String?

  @Flag(
    help: ArgumentHelp(
      "Run the plugin in this process, as for a debugger.",
      discussion: "Otherwise it has a process of its own, and a crash is a difference."))
  var inProcess = false

  @Flag(help: "Put what the new build does in the place of what the record says.")
  var update = false

  @Flag(help: "Print a line of JSON for each call, and one for all.")
  var json = false

  private static func tolerance(_ text: String) throws -> Double {
    guard let part = Double(text), (0...1).contains(part) else {
      throw ValidationError("\(text) is not between 0 and 1")
    }
    return part
  }

  private static func factor(_ text: String) throws -> Double {
    guard let factor = Double(text), factor >= 1, factor.isFinite else {
      throw ValidationError("\(text) is not a number from 1 on")
    }
    return factor
  }

  func run() throws {
    let tools = ToolHost(logger: Logger(label: "replay") { _ in SwiftLogNoOpLogHandler() })
    var total = Total()
    do {
      let files = try RecordReader.files(at: record)
      let loaded = try LonePlugin(
        plugin, into: tools, isIsolated: !inProcess, configuration: configuration)
      defer { loaded.stop() }
      var replayer = Replayer(tools)
      replayer.comparison.floatTolerance = floatTolerance
      replayer.comparison.slowerThan = slowerThan
      if let timeout { replayer.timeout = timeout.nanoseconds }
      for file in files { try replay(file, replayer, tools, &total) }
    } catch {
      StandardError.writeLine("bridge-host: \(Self.text(of: error))")
      throw ExitCode(2)
    }
    try failingPlainly { try print(total) }
    if total.different > 0 && !update { throw ExitCode(1) }
    if total.same + total.different == 0 { throw ExitCode(2) }
  }

  private static func text(of error: any Error) -> String {
    (error as? ToolFailure)?.message ?? "\(error)"
  }

  /// What became of all calls.
  private struct Total {
    var same = 0
    var different = 0
    /// Those that were not run, by why.
    var skipped: [String: Int] = [:]
    var otherTools = 0
    var dropped = 0
  }

  private func replay(
    _ path: String, _ replayer: Replayer, _ tools: ToolHost, _ total: inout Total
  ) throws {
    let file = try RecordReader.read(path)
    var updates: [Int: RecordedCall] = [:]
    for (index, line) in file.lines.enumerated() {
      switch line {
      case .dropped(let count, _): total.dropped += count
      case .unreadable(let reason, _):
        total.skipped["cannot be read: \(reason)", default: 0] += 1
      case .call(let call, _):
        // Other plugins of the same host are recorded as well.
        guard tools.registry.catalog[call.tool] != nil, tool.isEmpty || tool.contains(call.tool)
        else {
          total.otherTools += 1
          continue
        }
        let place = "\(path):\(index + 2)"
        let result = replayer.replay(call)
        switch result {
        case .same: total.same += 1
        case .skipped(let reason): total.skipped[reason, default: 0] += 1
        case .different(let new, _):
          total.different += 1
          updates[index] = new
        }
        try failingPlainly { try print(result, of: call, at: place) }
      }
    }
    if update && !updates.isEmpty { try RecordReader.update(file, updates) }
  }

  // MARK: Printing

  private func print(_ result: Replayer.Result, of call: RecordedCall, at place: String) throws {
    if json {
      var members: [JSON.Member] = [
        .init(key: "tool", value: .string(call.tool)), .init(key: "place", value: .string(place)),
      ]
      switch result {
      case .same: members.append(.init(key: "outcome", value: .string("same")))
      case .skipped(let reason):
        members.append(.init(key: "outcome", value: .string("skipped")))
        members.append(.init(key: "reason", value: .string(reason)))
      case .different(_, let differences):
        members.append(.init(key: "outcome", value: .string("different")))
        members.append(
          .init(
            key: "differences",
            value: .array(
              differences.map {
                .object([
                  .init(key: "kind", value: .string($0.kind.rawValue)),
                  .init(key: "lines", value: .array($0.lines.map { .string($0) })),
                ])
              })))
      }
      return try StandardOutput.writeLine(JSON.object(members).text)
    }
    guard case .different(_, let differences) = result else { return }
    try StandardOutput.writeLine("\(call.tool) differs (\(place))")
    for difference in differences {
      try StandardOutput.writeLine("  \(difference.kind.rawValue)")
      for line in difference.lines { try StandardOutput.writeLine("    \(line)") }
    }
  }

  private func print(_ total: Total) throws {
    let skipped = total.skipped.values.reduce(0, +)
    if json {
      let reasons = total.skipped.sorted { $0.key < $1.key }
        .map { JSON.Member(key: $0.key, value: .integer(Int64($0.value))) }
      let members: [JSON.Member] = [
        .init(key: "same", value: .integer(Int64(total.same))),
        .init(key: "different", value: .integer(Int64(total.different))),
        .init(key: "skipped", value: .integer(Int64(skipped))),
        .init(key: "reasons", value: .object(reasons)),
        .init(key: "other_tools", value: .integer(Int64(total.otherTools))),
        .init(key: "not_recorded", value: .integer(Int64(total.dropped))),
        .init(key: "updated", value: .boolean(update && total.different > 0)),
      ]
      return try StandardOutput.writeLine(JSON.object(members).text)
    }
    var parts = ["\(total.same) calls do what they did", "\(total.different) differ"]
    if update && total.different > 0 { parts[1] += " and were updated" }
    if skipped > 0 { parts.append("\(skipped) were not run") }
    if total.otherTools > 0 { parts.append("\(total.otherTools) are of other tools") }
    if total.dropped > 0 { parts.append("\(total.dropped) were not recorded") }
    try StandardOutput.writeLine(parts.joined(separator: ", "))
    for (reason, count) in total.skipped.sorted(by: { $0.key < $1.key }) {
      try StandardOutput.writeLine("  not run, \(count): \(reason)")
    }
  }
}
