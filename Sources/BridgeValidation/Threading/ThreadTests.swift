internal import BridgeTestHost
internal import BridgeTools
internal import Threads

/// Whether tools can be called from many threads, and keep to theirs.
enum ThreadTests {
  static let all: [ValidationTest] = [
    ValidationTest(
      "thread-tags", level: 6, .threads,
      "Each function of the host is called only from where its header says: `retain` from the thread of the tool, "
        + "`refuse` while it loads, `outcome` outside of callbacks.",
      remedy:
        "Look up the tag of the function in the header: [any-thread], [call-thread], [load-thread].",
      needs: ContractTests.called
    ) { run in
      try ContractTests.eachCall(run) { trial, tool, records in
        let violations = records.flatMap(\.violations) + trial.host.takeViolations()
        if let violation = violations.first(where: {
          $0.rule == .wrongThread || $0.rule == .wrongCallback
        }) {
          trial.fail(violation.message, tool)
        }
      }
    },
    ValidationTest(
      "parallel", level: 6, .threads,
      "Calls that run at once answer what they answer alone, and do not crash.",
      remedy: "Guard what calls share, keep it in the call, or declare the tool BRIDGE_SERIAL.",
      needs: ContractTests.called, for: .all, parallel),
    ValidationTest(
      "serial", level: 6, .threads,
      "Calls of serial tools answer what they answer alone, whatever others were called before.",
      remedy:
        "Keep what belongs to a call in the call, and what belongs to a session in its state.",
      needs: ContractTests.called, for: .all, serial),
  ]

  private static let threads = 8
  private static let rounds = 25

  private struct Known {
    let tool: ToolDescription
    let made: MadeArguments
    let answer: String
  }

  /// Calls that answer the same when they are made alone, one after the other.
  private static func known(_ trial: Trial, _ tools: [ToolDescription]) throws -> [Known] {
    var known: [Known] = []
    for tool in tools {
      for made in trial.arguments(for: tool, 4) {
        let answers = try (0..<3).compactMap { _ in try trial.record(tool, made).map(words) }
        guard answers.count == 3, Set(answers).count == 1 else { continue }
        known.append(Known(tool: tool, made: made, answer: answers[0]))
      }
    }
    return known
  }

  private static func words(_ record: CallRecord) -> String {
    switch record.result {
    case .success(let value): value.jsonText + record.chunks.map(\.jsonText).joined(separator: ",")
    case .failure(let failure): "status \(failure.code)"
    }
  }

  private static func parallel(_ run: TestRun) throws {
    let trial = try Trial(run)
    let known = try known(trial, trial.tools.filter { $0.concurrency != .serial })
    guard !known.isEmpty else {
      throw TestRun.Skip(reason: "no tool that may be called in parallel answers the same twice")
    }
    run.note("calling \(Set(known.map(\.tool.name)).sorted().joined(separator: ", ")) in parallel")
    let others = Locked<[Int: String]>([:])
    let left = Locked(threads)
    let done = Semaphore()
    // Sessions are made here: threads only call.
    for thread in 0..<threads {
      let sessions = try (0..<rounds).map { _ in try trial.session() }
      let work: @Sendable () -> Void = {
        for round in 0..<rounds {
          let place = (thread + round) % known.count
          let call = known[place]
          if case .ended(let record, hasWaited: false) = trial.call(
            call.tool, call.made, in: sessions[round], notes: false)
          {
            let answer = words(record)
            if answer != call.answer { others.withLock { $0[place] = answer } }
          }
        }
        let isLast = left.withLock { left in
          left -= 1
          return left == 0
        }
        if isLast { done.signal() }
      }
      if !startThread(named: "trial", work) { work() }
    }
    done.wait()
    for (place, answer) in others.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
      let call = known[place]
      trial.fail(
        "alone it answers \(call.answer), and in parallel \(answer), for \(call.made.text)"
          .prefixed(500),
        call.tool)
    }
  }

  private static func serial(_ run: TestRun) throws {
    let trial = try Trial(run)
    let known = try known(trial, trial.tools)
    guard known.count > 1 else {
      throw TestRun.Skip(reason: "less than two calls answer the same twice")
    }
    for round in 0..<2 {
      for call in round == 0 ? known : known.reversed() {
        guard let record = try trial.record(call.tool, call.made) else { continue }
        let answer = words(record)
        if answer != call.answer {
          trial.fail(
            "it answers \(answer) after calls of other kinds, and \(call.answer) before, for \(call.made.text)"
              .prefixed(500), call.tool)
        }
      }
    }
  }
}
