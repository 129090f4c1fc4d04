internal import BridgePluginHost
internal import BridgeTestHost
internal import BridgeTools

/// Whether a plugin stands a host in trouble, or another host than it was built for.
enum HostTests {
  static let all: [ValidationTest] = [
    ValidationTest(
      "host-versions", level: 7, .host,
      "A host that speaks other versions of the ABI is refused in a sentence.",
      remedy:
        "Compare BRIDGE_ABI_VERSION with `abi_minimum` and `abi_maximum` in the entry function before you use "
        + "anything else, and call `refuse`.", needs: ["start"], versions),
    ValidationTest(
      "host-failures", level: 8, .host,
      "Each function of the host may fail, at each use in turn: no crash, no hang, and no success that is none.",
      remedy:
        "Look at every status. What was not written or answered is a failure: end with it, or try again.",
      needs: ContractTests.called, failures),
    ValidationTest(
      "host-memory", level: 8, .host,
      "A host that has no memory left for an answer does no harm.",
      remedy: "Look at every status before you look at what a function has written.",
      needs: ContractTests.called + ["host-failures"]
    ) { run in
      let trial = try Trial(run)
      for tool in trial.tools {
        for made in trial.arguments(for: tool, 3) {
          guard case .ended(let usual, hasWaited: false) = trial.call(tool, made) else { continue }
          let used = Set(usual.trace.map(\.function))
          for function in HostFunction.allCases
          where function.mayFail && used.contains(function.rawValue) {
            var options = CallOptions()
            options.faults = [
              .fail(function.rawValue, use: 0, status: 8, message: "there is no memory left")
            ]
            if case .stuck = trial.call(tool, made, options) {
              trial.fail("it does not end where \(options.faults[0].words)", tool)
            }
          }
        }
      }
    },
  ]

  private static func versions(_ run: TestRun) throws {
    do {
      _ = try Trial(run, versions: 2...3)
    } catch is TestHostError {
      return
    }
    run.warn(
      "it does not look at the versions that a host speaks: one of another version may crash")
  }

  /// What a tool has not done when it failed.
  private static let lost = [
    "variables.set", "variables.set_all", "variables.remove", "call.result", "call.give_result",
    "call.give_binary",
  ]

  private static func failures(_ run: TestRun) throws {
    let trial = try Trial(run)
    for tool in trial.tools {
      for made in trial.arguments(for: tool, 2) {
        guard case .ended(let usual, hasWaited: false) = trial.call(tool, made) else { continue }
        var uses: [String: Int] = [:]
        for entry in usual.trace where !entry.isCallback && entry.tool == tool.name {
          uses[entry.function, default: 0] += 1
        }
        for (function, count) in uses.sorted(by: { $0.key < $1.key })
        where HostFunction(rawValue: function)?.mayFail == true {
          for use in 1...min(count, 10) {
            for status: Int32 in [13, 14] {
              var options = CallOptions()
              options.faults = [.fail(function, use: use, status: status, message: "made to fail")]
              guard case .ended(let record, hasWaited: false) = trial.call(tool, made, options)
              else { continue }
              check(record, options.faults[0], function, tool, trial)
            }
          }
        }
      }
    }
  }

  private static func check(
    _ record: CallRecord, _ fault: Fault, _ function: String, _ tool: ToolDescription,
    _ trial: Trial
  ) {
    let uses = record.uses(of: function)
    guard let failed = uses.firstIndex(where: \.isInjected) else { return }
    if let failure = record.failure,
      failure.type == "plugin_exception" || failure.type == "plugin_error"
    {
      trial.fail("\(fault.words): \(failure.message)", tool)
    }
    // Tried again, it has worked.
    let isMadeUp = uses[(failed + 1)...].contains { $0.status == 0 }
    if record.failure == nil, lost.contains(function), !isMadeUp {
      trial.fail("\(fault.words), it answers a success", tool)
    }
  }
}
