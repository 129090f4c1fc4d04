import BridgeTestHost
import Testing

/// What a test host has go wrong, and the rules that it watches over.
@Suite struct FaultTests {
  @Test func eachHostCallCanBeTheOneThatIsCancelled() throws {
    let host = TestHost()
    try host.load(Built.exampleTools)
    let calls = try host.call("countdown", ["from": 2]).trace.filter { !$0.isCallback }.count
    var failed = 0
    for number in 1...calls {
      let record = try host.call(
        "countdown", ["from": 2], options: CallOptions(faults: [.cancel(beforeHostCall: number)]))
      #expect(record.violations.isEmpty)
      if let failure = record.failure {
        #expect(failure.code == 1)
        failed += 1
      }
    }
    // A tool that is not asked to look between its first and its last function does not.
    #expect(failed >= 3 && failed < calls)
    let late = try host.call(
      "countdown", ["from": 2], options: CallOptions(faults: [.deadline(beforeHostCall: 1)]))
    #expect(late.failure?.code == 4)
  }

  @Test func aFunctionFails() throws {
    let host = TestHost()
    try host.load(Built.exampleTools)
    try host.session.define("v", 1.0)
    let record = try host.call(
      "scale_variable", ["variable": "v", "factor": 2],
      options: CallOptions(faults: [.fail("variables.set", status: 14, message: "the disk is full")]
      ))
    #expect(record.failure?.code == 14)
    #expect(record.failure?.message.contains("the disk is full") == true)
    #expect(try host.session["v"] == 1.0)
    #expect(record.uses(of: "variables.set").map(\.isInjected) == [true])
  }

  @Test func aWriteThatIsTooLateIsTriedAgain() throws {
    let host = TestHost()
    try host.load(Built.exampleTools)
    try host.session.define("v", 1.0)
    let record = try host.call(
      "scale_variable", ["variable": "v", "factor": 2],
      options: CallOptions(faults: [.fail("variables.set", status: 10)]))
    #expect(record.value == 2.0)
    #expect(record.uses(of: "variables.set").map(\.status) == [10, 0])
  }

  @Test func aFullStreamIsWaitedFor() throws {
    let host = TestHost()
    try host.load(Built.exampleTools)
    let record = try host.call(
      "countdown", ["from": 4], options: CallOptions(faults: [.full(chunk: 2), .full(chunk: 3)]))
    #expect(record.chunks == [4, 3, 2, 1])
    #expect(record.uses(of: "call.emit").map(\.status) == [0, 100, 100, 0, 0, 0])
    #expect(record.uses(of: "call.wait_for_room").count == 2)
  }

  @Test func whatIsGivenIsReleasedThoughItIsRefused() throws {
    let host = TestHost()
    try host.load(Built.rules)
    try host.session.define("counter", 5)
    let record = try host.call(
      "gives",
      options: CallOptions(faults: [
        .fail("call.give_binary", use: 0), .fail("variables.set", use: 0),
        .fail("variables.set_all", use: 0),
      ]))
    #expect(record.value == 3)
    #expect(record.binary == nil)
    #expect(try host.session["counter"] == 5)
  }

  @Test func aHostOfOtherVersionsIsRefused() throws {
    var configuration = TestHost.Configuration()
    configuration.abiVersions = 2...3
    let host = TestHost(configuration)
    for path in [Built.rules, Built.exampleTools] {
      let error = #expect(throws: TestHostError.self) { try host.load(path) }
      #expect(error?.kind == .loading)
      #expect(error?.description.contains("refuses to be loaded") == true)
    }
  }

  // MARK: Rules

  private func violations(_ tool: String, calls: Int = 1) throws -> [Violation] {
    let host = TestHost()
    try host.load(Built.rules)
    try host.session.define("counter", 1)
    let records = try (0..<calls).map { _ in try host.call(tool) }
    return host.takeViolations() + records.flatMap(\.violations)
  }

  @Test func brokenRulesAreTold() throws {
    #expect(try violations("use_stale", calls: 2).map(\.rule) == [.staleHandle])
    #expect(try violations("use_stale", calls: 2).map(\.function) == ["call.check"])
    #expect(try violations("release_twice").map(\.rule) == [.staleHandle])
    #expect(try violations("retain_elsewhere").map(\.rule) == [.wrongThread])
    #expect(try violations("late_refusal").map(\.rule) == [.wrongThread])
    let codes = try violations("two_codes")
    #expect(codes.map(\.rule) == [.wrongStatus])
    #expect(codes[0].message.contains("UNAVAILABLE") && codes[0].message.contains("INTERNAL"))
    #expect(try violations("odd_status").map(\.rule) == [.wrongStatus])
    #expect(try violations("gives").isEmpty)
  }

  @Test func whatIsLeftBehindIsCounted() throws {
    let host = TestHost()
    try host.load(Built.rules)
    try host.session.define("counter", 1)
    #expect(try host.call("forget_release").leftOver == ["variables.release": 1])
    #expect(try host.call("gives").leftOver.isEmpty)
  }
}
