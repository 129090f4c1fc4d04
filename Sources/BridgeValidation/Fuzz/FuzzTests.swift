internal import BridgeTestHost
internal import BridgeTools
internal import JSON
internal import Threads

/// Random calls of all tools, with random trouble, for as long as it may take.
enum FuzzTests {
  static let all: [ValidationTest] = [
    ValidationTest(
      "fuzz", level: 10, .fuzz,
      "Random calls, in random order, with random trouble on the host's side, do no harm.",
      remedy:
        "Run it again with `--replay` and the file that `--replay-directory` keeps, in a debugger or a sanitizer's "
        + "build; the file names the calls.",
      needs: ContractTests.called + ["extremes"], for: .all, fuzz)
  ]

  /// After so many calls there is a fresh host: no replay is longer.
  private static let length = 24

  private static func fuzz(_ run: TestRun) throws {
    if !run.replayed.isEmpty { return try play(run, try steps(of: run.replayed)) }
    let end = MonotonicClock.now + Int64(run.settings.fuzzTime * 1e9)
    repeat {
      let steps = (0..<length).map { _ in run.random.next() }
      try play(run, steps)
      if run.hasFailed || run.hasWarned { return }
    } while MonotonicClock.now < end
  }

  private static func play(_ run: TestRun, _ steps: [UInt64]) throws {
    let trial = try Trial(run)
    let session = try trial.session()
    var told: [JSON] = []
    for step in steps {
      var random = SeededRandom(step)
      let tool = trial.tools[Int(random.next() % UInt64(trial.tools.count))]
      guard let made = arguments(tool, trial, &random) else { continue }
      var options = CallOptions()
      options.faults = faults(&random)
      told.append(.string(Trial.words(tool, made, options)))
      run.keep(FuzzReplay(steps: steps, told: told).text)
      switch trial.call(tool, made, in: session, options) {
      case .refused: continue
      case .stuck where run.isManifest:
        // Nobody can stop a function of a library.
        return run.warn("it takes long: \(Trial.words(tool, made, options))", tool: tool.name)
      case .stuck:
        trial.fail("it does not end: \(Trial.words(tool, made, options))".prefixed(800), tool)
        return
      case .ended(let record, _):
        guard let fault = wrong(record) else { continue }
        trial.fail("\(fault): \(Trial.words(tool, made, options))".prefixed(800), tool)
        return
      }
    }
  }

  private static func arguments(
    _ tool: ToolDescription, _ trial: Trial, _ random: inout SeededRandom
  ) -> MadeArguments? {
    let maker = ArgumentMaker(tool, names: trial.names)
    if random.once(in: 3) {
      let all = maker.extremes(&random)
      if !all.isEmpty { return all[Int(random.next() % UInt64(all.count))] }
    }
    return maker.valid(&random)
  }

  private static func faults(_ random: inout SeededRandom) -> [Fault] {
    guard random.once(in: 2) else { return [] }
    let functions = [
      "call.parameter", "call.progress", "call.result", "call.emit", "variables.get",
      "variables.read", "variables.set", "variables.create", "variables.list", "variables.watch",
      "tools.invoke", "tools.outcome", "call.on_cancel", "call.retain", "call.keep_state",
    ]
    let place = Int(random.next() % 12) + 1
    switch random.next() % 5 {
    case 0: return [.cancel(beforeHostCall: place)]
    case 1: return [.deadline(beforeHostCall: place)]
    case 2: return [.full(chunk: place)]
    default:
      let name = functions[Int(random.next() % UInt64(functions.count))]
      let status = [Int32(3), 5, 7, 8, 9, 10, 13, 14][Int(random.next() % 8)]
      return [.fail(name, use: Int(random.next() % 4), status: status)]
    }
  }

  /// What is wrong with a call, whatever went wrong around it; nil where nothing is.
  private static func wrong(_ record: CallRecord) -> String? {
    if let violation = record.violations.first { return violation.message }
    guard let failure = record.failure else { return nil }
    switch failure.type {
    case "plugin_exception", "plugin_error", "invalid_result": return failure.message
    default: return nil
    }
  }

  private static func steps(of text: String) throws -> [UInt64] {
    guard let replay = FuzzReplay(text) else {
      throw ValidationError("what was kept is no input of fuzz")
    }
    return replay.steps
  }
}

/// The calls of a run of `fuzz`, for who wants to see it again.
struct FuzzReplay: Sendable, Equatable {
  /// What each call is made from.
  var steps: [UInt64]
  /// The calls in words, as far as they were made.
  var told: [JSON] = []

  init(steps: [UInt64], told: [JSON]) {
    self.steps = steps
    self.told = told
  }

  /// - Returns: nil where a text is none of a replay.
  init?(_ text: String) {
    guard let json = try? JSON(parsing: text), case .array(let numbers)? = json["steps"],
      case .array(let told)? = json["told"]
    else { return nil }
    steps = numbers.compactMap {
      if case .string(let number) = $0 { UInt64(number) } else { nil }
    }
    self.told = told
    guard steps.count == numbers.count else { return nil }
  }

  var text: String {
    JSON.object([
      .init(key: "steps", value: .array(steps.map { .string(String($0)) })),
      .init(key: "told", value: .array(told)),
    ]).text
  }

  /// The same without calls that came after the last one that was made.
  var made: FuzzReplay { FuzzReplay(steps: Array(steps.prefix(max(told.count, 1))), told: told) }
}
