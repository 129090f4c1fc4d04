internal import BridgeTestHost
internal import BridgeTools

/// Whether tools end when they are to, and do not waste time.
enum TimeTests {
  static let all: [ValidationTest] = [
    ValidationTest(
      "cancel", level: 5, .time,
      "A call that is cancelled, at each host call in turn, ends soon, and as a cancelled one.",
      remedy:
        "Return the status that `check`, `progress`, `sleep` or `wait_for_room` answers as soon as it is not "
        + "BRIDGE_OK.", needs: ContractTests.called
    ) { run in try ending(run, .cancel, status: 1, "cancelled") },
    ValidationTest(
      "deadline", level: 5, .time,
      "A call whose deadline passes, at each host call in turn, ends soon, and as one past its deadline.",
      remedy:
        "Return the status that `check`, `progress`, `sleep` or `wait_for_room` answers as soon as it is not "
        + "BRIDGE_OK.", needs: ContractTests.called + ["cancel"]
    ) { run in try ending(run, .deadline, status: 4, "past its deadline") },
    ValidationTest(
      "full", level: 5, .time,
      "A tool that streams loses and repeats no chunk when its client is slower.",
      remedy:
        "When `emit` answers BRIDGE_FULL nothing was taken: wait with `wait_for_room`, and emit the same chunk "
        + "again.", needs: ContractTests.called, full),
    ValidationTest(
      "quick", level: 5, .time,
      "A tool that says it is quick takes less than a millisecond and never waits.",
      remedy: "Leave out BRIDGE_TOOL_QUICK: other clients wait while a quick tool runs.",
      needs: ContractTests.called, quick),
    ValidationTest(
      "busy-waiting", level: 6, .time,
      "A tool that waits does not keep a processor busy.",
      remedy:
        "Wait with `sleep`, `wait_for_room`, a watch or `on_cancel`, and not in a loop that asks.",
      needs: ContractTests.called, busy),
  ]

  /// At most so many host calls of a call are tried.
  private static let limit = 100
  /// A tool that is told to end and goes on for so many host calls does not look.
  private static let patience = 200

  private static func ending(
    _ run: TestRun, _ effect: Fault.Effect, status: Int32, _ words: String
  ) throws {
    let trial = try Trial(run)
    for tool in trial.tools {
      guard let made = trial.arguments(for: tool).first else { continue }
      guard case .ended(let usual, _) = trial.call(tool, made) else { continue }
      let count = usual.trace.count { !$0.isCallback && $0.tool == tool.name }
      let moments =
        [Fault.Moment.start] + (0..<min(count, limit)).map { Fault.Moment.hostCall($0 + 1) }
      for moment in moments {
        var options = CallOptions()
        options.faults = [Fault(effect, moment)]
        switch trial.call(tool, made, options) {
        case .refused: continue
        case .stuck:
          trial.fail(
            "\(options.faults[0].words), it goes on for more than \(run.settings.grace) seconds",
            tool)
          return
        case .ended(let record, _):
          if let fault = wrong(record, status, words) {
            trial.fail("\(options.faults[0].words), \(fault)", tool)
          }
        }
      }
    }
  }

  /// What is wrong with a call that was to end; nil where nothing is.
  private static func wrong(_ record: CallRecord, _ status: Int32, _ words: String) -> String? {
    let own = record.trace.filter { !$0.isCallback }
    guard let told = own.firstIndex(where: { $0.status == status && !$0.isInjected }) else {
      return nil
    }
    let after = own.count - told - 1
    if after > patience {
      return "it is told so by \(own[told].function), and makes \(after) more host calls"
    }
    // One that has told its result already may be through.
    if let ran = record.trace.first(where: { $0.function == "run" && $0.isCallback })?.status,
      ![0, 101, status].contains(ran)
    {
      return "it is told so by \(own[told].function), and ends with status \(ran)"
    }
    return nil
  }

  private static func full(_ run: TestRun) throws {
    let trial = try Trial(run)
    let tools = trial.tools.filter(\.streams)
    guard !tools.isEmpty else { throw TestRun.Skip(reason: "no tool says that it streams") }
    for tool in tools {
      guard let made = trial.arguments(for: tool).first,
        let first = try trial.record(tool, made), let second = try trial.record(tool, made),
        first.chunks == second.chunks, !first.chunks.isEmpty, first.failure == nil
      else { continue }
      for places in [[1], [2], [first.chunks.count], [1, 2, 3]] {
        var options = CallOptions()
        options.faults = places.map { .full(chunk: $0) }
        guard let record = try trial.record(tool, made, options) else { continue }
        if let failure = record.failure {
          trial.fail("it fails when its stream is full: \(failure.message)", tool)
        } else if record.chunks != first.chunks {
          let words = record.chunks.count < first.chunks.count ? "loses" : "repeats or changes"
          trial.fail(
            "it \(words) chunks when its stream is full: \(record.chunks.count) come, and "
              + "\(first.chunks.count) otherwise", tool)
        }
      }
    }
  }

  private static func quick(_ run: TestRun) throws {
    let trial = try Trial(run)
    let tools = trial.tools.filter { $0.execution == .inline }
    guard !tools.isEmpty else { throw TestRun.Skip(reason: "no tool says that it is quick") }
    let waiting = ["call.sleep", "call.wait_for_room", "tools.outcome"]
    for tool in tools {
      for made in trial.arguments(for: tool) {
        var least = Int64.max
        for _ in 0..<10 {
          guard let record = try trial.record(tool, made) else {
            trial.fail("it says that it is quick, and waits", tool)
            break
          }
          if let entry = record.trace.first(where: { waiting.contains($0.function) }) {
            trial.fail("it says that it is quick, and calls \(entry.function)", tool)
          }
          let ran = record.trace.first { $0.function == "run" && $0.isCallback }?.duration
          // What the host does in functions is not the tool's.
          let host = record.trace.filter { !$0.isCallback }.reduce(0) { $0 + ($1.duration ?? 0) }
          least = min(least, max(0, (ran ?? 0) - host))
        }
        if least < .max, least > 1_000_000 {
          trial.fail(
            "it says that it is quick, and takes \(least / 1000) µs at least for \(made.text)", tool
          )
        }
      }
    }
  }

  /// Functions that tell something and change nothing.
  private static let asking: Set = [
    "call.check", "call.remaining", "call.parameter", "variables.get", "variables.read",
    "variables.release", "variables.list",
  ]

  private static func busy(_ run: TestRun) throws {
    let trial = try Trial(run)
    for tool in trial.tools {
      for made in trial.arguments(for: tool).prefix(3) {
        guard
          case .ended(let record, hasWaited: true) = trial.call(tool, made, patience: 1_000_000_000)
        else { continue }
        let own = record.trace.filter { !$0.isCallback }
        let asked = own.count { asking.contains($0.function) }
        // One that sleeps in between waits as it should; one that tells of something works.
        if asked > 100, asked == own.count {
          trial.fail("it asks the host \(asked) times while it waits", tool)
        }
        break
      }
      // A stream that stays full.
      guard tool.streams, let made = trial.arguments(for: tool).first else { continue }
      var options = CallOptions()
      options.faults = [.fail("call.emit", use: 0, status: 100, message: "full")]
      options.faults.append(Fault(.cancel, .after(100_000_000)))
      guard case .ended(let record, _) = trial.call(tool, made, options) else { continue }
      var inRow = 0
      for entry in record.trace where !entry.isCallback {
        inRow = entry.function == "call.emit" && entry.status == 100 ? inRow + 1 : 0
        guard inRow > 50 else { continue }
        trial.fail("it emits again and again while its stream is full", tool)
        break
      }
    }
  }
}
