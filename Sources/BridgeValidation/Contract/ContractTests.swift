internal import BridgeSessions
internal import BridgeTestHost
internal import BridgeTools
internal import JSON

/// Whether tools do with their arguments what they declare.
enum ContractTests {
  /// What has to be fine before tools are called at all.
  static let loaded = ["start", "manifest"]
  /// What has to be fine before more is found out by calls.
  static let called = ["start", "manifest", "calls", "ends"]

  static let all: [ValidationTest] = [
    ValidationTest(
      "calls", level: 3, .contract,
      "Each tool takes arguments that its declaration takes, and no others: no crash, no internal error.",
      remedy:
        "Look at the place that the crash names; answer INVALID_ARGUMENT, NOT_FOUND and the like for what is "
        + "wrong with a call, and tell the rule in the parameter's constraints or schema.",
      needs: loaded, for: .all, calls),
    ValidationTest(
      "ends", level: 3, .contract,
      "Each call ends, or does so soon after it is cancelled.",
      remedy:
        "Work in steps, and look at `check`, or at what `progress` and `sleep` answer, in each; where the tool "
        + "waits for something else, be told with `on_cancel`; complete what was retained exactly once.",
      needs: ["start", "manifest", "calls"], for: .all, ends),
    ValidationTest(
      "exceptions", level: 3, .contract,
      "No exception leaves a tool, and none ends its thread or the process.",
      remedy:
        "Catch exceptions in the tool and answer with `fail`; the C++ wrapper and the SDKs do that.",
      needs: called, for: .all
    ) { run in
      try eachRecord(run) { trial, tool, record in
        guard let failure = record.failure, record.violations.isEmpty else { return }
        if failure.type == "plugin_exception" { trial.fail(failure.message, tool) }
        if failure.type == "plugin_error" { trial.fail(failure.message, tool) }
      }
    },
    ValidationTest(
      "results", level: 3, .contract,
      "Results are as the tool declares them, and there where one is declared.",
      remedy:
        "Set a result of the declared type before BRIDGE_OK is answered, or declare another `output`.",
      needs: called, for: .all
    ) { run in
      try eachRecord(run) { trial, tool, record in
        if let failure = record.failure, failure.type == "invalid_result" {
          return trial.fail(failure.message, tool)
        }
        if let type = tool.output?.type, record.value == .null {
          trial.fail("it declares a result of type \(type.name) and answers none", tool)
        }
      }
    },
    ValidationTest(
      "failures", level: 3, .contract,
      "A tool that fails says why.",
      remedy: "Call `fail` with a message before the function returns a status.", needs: called
    ) { run in
      try eachRecord(run) { trial, tool, record in
        guard let failure = record.failure, failure.type == "tool_error" else { return }
        let hasSaid = record.uses(of: "call.fail").contains { entry in
          entry.arguments.contains { $0.name == "message" && $0.value.text?.isEmpty == false }
        }
        if !hasSaid { trial.fail("it fails with status \(failure.code) and says nothing", tool) }
      }
    },
    ValidationTest(
      "statuses", level: 3, .contract,
      "The status that a tool returns is one of the ABI, and fits what it has said and retained.",
      remedy:
        "Return what you gave to `fail`; BRIDGE_PENDING only after `retain`, and then nothing else.",
      needs: called
    ) { run in
      try eachRecord(run) { trial, tool, record in
        if let violation = record.violations.first(where: { $0.rule == .wrongStatus }) {
          trial.fail(violation.message, tool)
        }
      }
    },
    ValidationTest(
      "read-only", level: 3, .contract,
      "A read-only tool does not try to write.",
      remedy: "Declare it with `run` in the place of `run_read_only`, or do not write.",
      needs: called
    ) { run in
      let writing = [
        "variables.set", "variables.set_all", "variables.create", "variables.remove",
      ]
      try eachRecord(run, where: \.isReadOnly) { trial, tool, record in
        if let entry = record.trace.first(where: { writing.contains($0.function) }) {
          trial.fail("it is read-only, and calls \(entry.line)", tool)
        }
      }
    },
    ValidationTest(
      "footprint", level: 3, .contract,
      "A tool that declares which variables it uses uses no others.",
      remedy: "Add the variable to `reads` or `writes`, or leave both empty.", needs: called
    ) { run in
      try eachRecord(run, where: \.declaresVariables) { trial, tool, record in
        let refused = record.trace.first {
          $0.function.hasPrefix("variables.") && $0.status == 7 && !$0.isInjected
        }
        if let refused {
          trial.fail("it uses a variable that it does not declare: \(refused.line)", tool)
        }
      }
    },
    ValidationTest(
      "streams", level: 3, .contract,
      "Only a tool that says that it streams emits chunks.",
      remedy: "Set BRIDGE_TOOL_STREAMS, or do not emit.", needs: called
    ) { run in
      try eachRecord(run, where: { !$0.streams }) { trial, tool, record in
        if !record.uses(of: "call.emit").isEmpty {
          trial.fail("it emits chunks and does not say that it streams", tool)
        }
      }
    },
    ValidationTest(
      "examples", level: 3, .contract,
      "Calls with the examples that its parameters declare succeed.",
      remedy: "Mend the example in the parameter's constraints or schema, or the tool.",
      needs: called, for: .all, examples),
    ValidationTest(
      "progress", level: 4, .contract,
      "Progress goes from 0 to 1 and never back.",
      remedy: "Tell the part of the whole that is done: `done / total`.", needs: called
    ) { run in
      try eachRecord(run) { trial, tool, record in
        var last = 0.0
        for entry in record.uses(of: "call.progress") where entry.tool == tool.name {
          guard let fraction = entry.arguments.first?.value.number else { continue }
          guard fraction.isFinite, (0...1).contains(fraction) else {
            return trial.fail("it reports progress of \(fraction)", tool)
          }
          guard fraction >= last else {
            return trial.fail("its progress goes back from \(last) to \(fraction)", tool)
          }
          last = fraction
        }
      }
    },
    ValidationTest(
      "idempotent", level: 4, .contract,
      "A tool that says it is idempotent does the same when it is called twice.",
      remedy: "Leave out BRIDGE_TOOL_IDEMPOTENT, or make the second call change nothing.",
      needs: called, for: .all, idempotent),
    ValidationTest(
      "handles", level: 4, .contract,
      "No handle is used that is not valid any more, and none is given back twice.",
      remedy:
        "Calls, snapshots, watches and listeners are valid until they are given back or the call ends; retain a "
        + "call that goes on.", needs: called
    ) { run in
      try eachCall(run) { trial, tool, records in
        let violations = records.flatMap(\.violations) + trial.host.takeViolations()
        if let violation = violations.first(where: { $0.rule == .staleHandle }) {
          trial.fail(violation.message, tool)
        }
      }
    },
    ValidationTest(
      "extremes", level: 4, .contract,
      "Extreme arguments that its declaration takes do no harm: bounds, NaN, empty and odd texts, arrays and bytes.",
      remedy:
        "Look at the place that the crash names; what the tool does not take, its constraints or schema "
        + "should say.",
      needs: called, for: .all
    ) { run in try extremes(run, large: false) },
    ValidationTest(
      "large", level: 5, .contract,
      "Texts, bytes and arrays of 16 MiB do no harm.",
      remedy:
        "Tell the greatest length in the constraints (`max_length`, `dimensions`); never put an argument on the "
        + "stack.",
      needs: called + ["extremes"], for: .all
    ) { run in try extremes(run, large: true) },
    ValidationTest(
      "calls-state", level: 5, .contract,
      "Calls change nothing that the whole process or the host's thread has: signals, working directory, locale, "
        + "umask, environment, descriptors 0 to 2, modes of arithmetic.",
      remedy: "Leave it alone, or put it back before the tool returns.", needs: called, for: .all,
      StateCheck.run),
    ValidationTest(
      "calls-quiet", level: 5, .contract, "Calls print nothing to standard output.",
      remedy:
        "Write to the host's log with `bridge_call_api.log`; standard output belongs to the host.",
      needs: called, for: .all
    ) { run in
      let printed = try Printed(only: 1)
      let trial = try Trial(run)
      for tool in trial.tools {
        printed.begin()
        defer { printed.end() }
        for made in trial.arguments(for: tool) { _ = try trial.record(tool, made) }
        if let text = printed.end() { trial.fail("it prints \"\(text)\"", tool) }
      }
    },
  ]

  // MARK: Calls

  /// Calls every tool with valid arguments, and has each call looked at.
  static func eachRecord(
    _ run: TestRun, where isMeant: (ToolDescription) -> Bool = { _ in true },
    _ look: (Trial, ToolDescription, CallRecord) -> Void
  ) throws {
    try eachCall(run, where: isMeant) { trial, tool, records in
      for record in records { look(trial, tool, record) }
    }
  }

  /// The same for all calls of a tool together.
  static func eachCall(
    _ run: TestRun, where isMeant: (ToolDescription) -> Bool = { _ in true },
    _ look: (Trial, ToolDescription, [CallRecord]) -> Void
  ) throws {
    let trial = try Trial(run)
    let meant = trial.tools.filter(isMeant)
    guard !meant.isEmpty else { throw TestRun.Skip(reason: "it has no tool of this kind") }
    for tool in meant {
      look(trial, tool, try trial.arguments(for: tool, 4).compactMap { try trial.record(tool, $0) })
    }
  }

  private static func calls(_ run: TestRun) throws {
    let trial = try Trial(run)
    for tool in trial.tools {
      let made = trial.arguments(for: tool, 10)
      if made.isEmpty { run.warn("no arguments could be made up that it takes", tool: tool.name) }
      for made in made {
        guard case .ended(let record, _) = trial.call(tool, made) else { break }
        // The numbers of gRPC: UNKNOWN, INTERNAL, DATA_LOSS.
        if let failure = record.failure, failure.type == "tool_error",
          [2, 13, 15].contains(failure.code)
        {
          trial.fail("it fails with \(failure.message) for \(made.text)", tool)
        }
      }
      var random = SeededRandom(run.settings.seed, for: "invalid arguments of \(tool.name)")
      for made in ArgumentMaker(tool, names: trial.names).invalid(&random) {
        guard case .ended = trial.call(tool, made) else { continue }
        trial.fail("it takes arguments that it does not declare: \(made.what)", tool)
      }
    }
  }

  private static func ends(_ run: TestRun) throws {
    let trial = try Trial(run)
    for tool in trial.tools {
      for made in trial.arguments(for: tool) {
        guard case .stuck = trial.call(tool, made) else { continue }
        trial.fail(
          "its call goes on \(run.settings.grace) seconds after it was cancelled, with \(made.text)",
          tool)
        break
      }
    }
  }

  private static func examples(_ run: TestRun) throws {
    let trial = try Trial(run)
    var count = 0
    for tool in trial.tools {
      var random = SeededRandom(run.settings.seed, for: "examples of \(tool.name)")
      for made in ArgumentMaker(tool, names: trial.names).examples(&random) {
        count += 1
        switch trial.call(tool, made) {
        case .refused(let reason): trial.fail("\(made.what) is refused: \(reason)", tool)
        case .ended(let record, hasWaited: false):
          if let failure = record.failure {
            trial.fail("\(made.what) fails: \(failure.message)", tool)
          }
        case .ended, .stuck: break
        }
      }
    }
    if count == 0 { throw TestRun.Skip(reason: "its parameters have no examples") }
  }

  private static func idempotent(_ run: TestRun) throws {
    let trial = try Trial(run)
    let tools = trial.tools.filter(\.isIdempotent)
    guard !tools.isEmpty else {
      throw TestRun.Skip(reason: "no tool says that it is idempotent")
    }
    for tool in tools {
      for made in trial.arguments(for: tool) {
        let session = try trial.session()
        guard let first = try trial.record(tool, made, in: session) else { continue }
        let variables = session.variables.map { "\($0.name) = \($0.value.jsonText)" }
        guard let second = try trial.record(tool, made, in: session) else { continue }
        guard first.failure == nil || second.failure == nil else { continue }
        let again = session.variables.map { "\($0.name) = \($0.value.jsonText)" }
        if let changed = again.first(where: { !variables.contains($0) }) {
          trial.fail("its second call with \(made.text) changes a variable: \(changed)", tool)
        } else if first.value != second.value {
          let words = [first, second].map { $0.value?.jsonText ?? "a failure" }
          trial.fail(
            "it answers \(words[0]) and then \(words[1]) for \(made.text)".prefixed(500), tool)
        }
      }
    }
  }

  private static func extremes(_ run: TestRun, large: Bool) throws {
    let trial = try Trial(run)
    for tool in trial.tools {
      var random = SeededRandom(run.settings.seed, for: "extremes of \(tool.name)")
      let maker = ArgumentMaker(tool, names: trial.names)
      for made in large ? maker.large(&random) : maker.extremes(&random) {
        switch trial.call(tool, made) {
        case .stuck where run.isManifest:
          // Nobody can stop a function of a library.
          return run.warn(
            "where \(made.what), it takes more than \(run.settings.grace) seconds", tool: tool.name)
        case .stuck:
          trial.fail(
            "where \(made.what), its call goes on \(run.settings.grace) seconds after it was cancelled",
            tool)
          return
        case .refused: continue
        case .ended(let record, _):
          guard let failure = record.failure else { continue }
          if failure.type == "plugin_exception" || failure.type == "plugin_error"
            || failure.type == "invalid_result"
            || failure.type == "tool_error" && [2, 13, 15].contains(failure.code)
          {
            trial.fail("where \(made.what): \(failure.message)".prefixed(500), tool)
          }
        }
      }
    }
  }
}

extension String {
  /// The text, cut off where it is longer.
  func prefixed(_ count: Int) -> String {
    utf8.count > count ? String(prefix(count)) + "…" : self
  }
}
