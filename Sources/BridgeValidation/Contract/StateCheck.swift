internal import BridgePluginHost
internal import BridgeTools

/// Looks at what calls change of the process and the thread.
enum StateCheck {
  static func run(_ run: TestRun) throws {
    let watch = ProcessWatch()
    let trial = try Trial(run)
    var logged = 0
    func look(_ tool: ToolDescription?) {
      var changes = watch.changes()
      let lines = trial.host.log
      changes += lines.dropFirst(logged).compactMap(Self.change)
      logged = lines.count
      guard !changes.isEmpty else { return }
      let words = "it changes \(Set(changes).sorted().joined(separator: ", "))"
      if let tool { trial.fail(words, tool) } else { run.fail(words) }
    }
    // All of them have been called by now.
    look(trial.tools.count == 1 ? trial.tools[0] : nil)
    for tool in trial.tools {
      for made in trial.arguments(for: tool) { _ = try trial.record(tool, made) }
      look(tool)
    }
  }

  /// What a line of the host's log says that a plugin has changed; nil where it says something else.
  private static func change(_ line: String) -> String? {
    for beginning in [
      "warning: a plugin has changed state of the thread it ran on, which was put back: ",
      "warning: code of a plugin has changed state of the whole process: ",
    ] where line.hasPrefix(beginning) {
      let rest = line.dropFirst(beginning.count)
      let end = [" after=", " tools=", " in=", " plugin="].compactMap {
        rest.firstRange(of: $0)?.lowerBound
      }
      .min()
      return String(rest[..<(end ?? rest.endIndex)])
    }
    return nil
  }
}
