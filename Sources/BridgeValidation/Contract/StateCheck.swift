internal import BridgePluginHost
internal import BridgeTools

/// Looks at what code of a plugin changes of the process and of the host's threads.
enum StateCheck {
  /// Calls every tool, and looks after each.
  static func run(_ run: TestRun) throws {
    let watch = ProcessWatch()
    let trial = try Trial(run)
    var logged = 0
    func look(_ tool: ToolDescription?) {
      let lines = trial.host.log
      let told = changes(toldIn: Array(lines.dropFirst(logged)))
      logged = lines.count
      let changes = others(watch.changes() + told, of: run)
      guard !changes.isEmpty else { return }
      let words = "it changes \(changes.joined(separator: ", "))"
      if let tool { trial.fail(words, tool) } else { run.fail(words) }
    }
    // All of them have been called by now.
    look(trial.tools.count == 1 ? trial.tools[0] : nil)
    for tool in trial.tools {
      for made in trial.arguments(for: tool) { _ = try trial.record(tool, made) }
      look(tool)
    }
  }

  /// Changes without those that a language's runtime makes, of which the author of a plugin has no choice.
  static func others(_ changes: [String], of run: TestRun) -> [String] {
    let hasRuntime = (try? run.isManifest ? false : run.probe().facts().hasOwnRuntime) ?? false
    return Set(changes).sorted().filter { !hasRuntime || !$0.hasPrefix("the action of SIG") }
  }

  /// What a host's log says that a plugin has changed.
  static func changes(toldIn lines: [String]) -> [String] {
    lines.flatMap { line -> [String] in
      let line = line.hasPrefix("warning: ") ? line.dropFirst(9) : line[...]
      for beginning in [
        "a plugin has changed state of the thread it ran on, which was put back: ",
        "code of a plugin has changed state of the whole process: ",
      ] where line.hasPrefix(beginning) {
        let rest = line.dropFirst(beginning.count)
        let end = [" after=", " tools=", " in=", " plugin="]
          .compactMap { rest.firstRange(of: $0)?.lowerBound }.min()
        return rest[..<(end ?? rest.endIndex)].split(separator: ", ").map(String.init)
      }
      return []
    }
  }
}
