@testable import BridgePluginTesting
import Testing

/// The example plugin's tools, tested as their author would.
@Suite(.plugin(Built.exampleTools)) struct ExampleToolTests {
  @Test func echo() throws {
    try TestHost.current.expectResult("echo", ["text": "hi"], "hi")
  }

  @Test(arguments: [("add", 5.0), ("subtract", -1.0), ("multiply", 6.0)])
  func arithmetic(operation: String, result: Double) throws {
    try TestHost.current.expectResult(
      "arithmetic", ["operation": .json("\"\(operation)\""), "a": 2, "b": 3],
      .value(.float(result), .float))
  }

  @Test func aVariableIsScaled() throws {
    let host = TestHost.current
    try host.session.define("temperature", 21.5)
    let record = try host.expectResult(
      "scale_variable", ["variable": "temperature", "factor": 2], 43.0)
    host.session.expectVariables(["temperature": 43.0])
    record.expectTrace(
      of: ["variables.set"],
      [
        #"variables.set(identifier: "var_temperature_1", value: 43.0, expected_version: 1)"#
          + " → OK version: 2"
      ])
  }

  @Test func aMissingVariableIsAFailure() throws {
    try TestHost.current.expectFailure(
      "scale_variable", ["variable": "nothing", "factor": 2], code: 5, "nothing")
  }

  @Test(.plugin(Built.exampleTools, clock: { TestClock() }))
  func aCountdownOfAnHour() throws {
    let host = TestHost.current
    let record = try host.expectResult("countdown", ["from": 61, "interval_ms": 60_000], 61)
    #expect(record.chunks.count == 61)
    #expect(host.clock?.now == 3_600_000_000_000)
  }

  @Test func words() throws {
    try TestHost.current.expectResult(
      "word_count", ["text": "two words\n"],
      .json(#"{"words": 2, "characters": 10, "lines": 2}"#))
  }

  @Test func aVectorIsNormalized() throws {
    let host = TestHost.current
    let record = try host.call("normalize", ["vector": [3, 4]])
    #expect(record.value?.numbers == [0.6, 0.8])
    try host.expectFailure("normalize", ["vector": [0, 0]], code: 3, "one of them not 0")
    try host.expectFailure(
      "arithmetic", ["operation": .json("\"divide\""), "a": 1, "b": 0], code: 3, "by zero")
  }

  @Test func aSummaryNamesVersions() throws {
    let host = TestHost.current
    try host.session.define("a_1", 1)
    try host.session.define("b", 1)
    try host.session.set("a_1", 2)
    try host.expectResult("read_summary", ["pattern": "a_*"], .json(#"{"a_1": 2}"#))
  }

  @Test func aToolWaitsForWhatTheTestWrites() async throws {
    let host = TestHost.current
    try host.session.define("level", 0.0)
    let waiting = try host.start("wait_for_variable", ["variable": "level", "target": 5.0])
    let counting = try host.start("average_updates", ["variable": "level", "count": 4])
    // Whether both watch is seen in the session: an update before that would be missed.
    while host.session.watches < 2 { await Task.yield() }
    for value in [1.0, 2.0, 3.0, 6.0] {
      try host.session.set("level", .value(.float(value), .float))
    }
    #expect(try await waiting.wait().value == 6.0)
    #expect(try await counting.wait().value == 3.0)
    #expect(host.session.watches == 0)
  }

  @Test func eachFunctionOfTheHostMayBeTheLast() throws {
    let host = TestHost.current
    try host.session.define("v", 1.0)
    let arguments: [String: TestValue] = ["variable": "v", "factor": 2]
    let count = try host.call("scale_variable", arguments).trace.count { !$0.isCallback }
    for number in 1...count {
      let before = try host.session.variable("v")
      let record = try host.call(
        "scale_variable", arguments, options: CallOptions(faults: [.cancel(beforeHostCall: number)])
      )
      // All or nothing: what is answered is what was written.
      #expect(
        record.failure == nil ? try host.session["v"] == record.value! : true,
        "cancelled before function \(number)")
      #expect(try host.session.variable("v").version - before.version <= 1)
      record.expectNoViolations()
    }
  }

  @Test func testsOfASuiteShareNothing() throws {
    #expect(TestHost.current.session.variables.isEmpty)
  }
}

/// A plugin that is linked into the test.
@Suite(.plugin(entry: enterLinked, configuration: #"{"greeting": "Hello"}"#))
struct LinkedPluginTests {
  @Test func aToolOfTheTestItself() throws {
    let record = try TestHost.current.expectResult("greet", ["name": "Ada"], "Hello, Ada!")
    #expect(record.trace.map(\.function) == ["run", "call.parameter", "call.result"])
  }

  @Test func aConfigurationIsChecked() throws {
    let host = TestHost()
    #expect(throws: TestHostError.self) {
      try host.load(entry: enterLinked, configuration: #"{"greeting": 1}"#)
    }
  }
}

/// The tools in C, loaded from their shared object.
@Suite(.plugin(Built.exampleToolsC)) struct ExampleToolsCTests {
  @Test func greeting() throws {
    try TestHost.current.expectResult("c_hello", ["name": "Ada"], "Hello, Ada!")
  }

  @Test func products() throws {
    let host = TestHost.current
    try host.expectResult("c_dot", ["a": [1, 2, 3], "b": [4, 5, 6]], 32.0)
    try host.expectFailure("c_dot", ["a": [1], "b": [1, 2]], code: 3)
  }

  @Test func anIncrementLosesNoOtherChange() throws {
    let host = TestHost.current
    try host.session.define("n", 41)
    let record = try host.expectResult(
      "c_increment", ["variable": "n"], 42,
      options: CallOptions(faults: [.fail("variables.set", status: 10)]))
    #expect(record.uses(of: "variables.set").map(\.status) == [10, 0])
  }

  @Test func aFullStreamLosesNoChunk() throws {
    let record = try TestHost.current.expectResult(
      "c_stream", ["count": 100], 100,
      options: CallOptions(faults: (1...20).map { .full(chunk: $0 * 3) }))
    #expect(record.chunks == (0..<100).map { .value(.integer($0), .integer) })
  }
}

/// What the expectations say when something is otherwise.
@Suite struct ExpectationTests {
  /// The comments of the issues that `body` brings about.
  private func issues(_ body: () throws -> Void) rethrows -> [String] {
    let comments = Comments()
    try withKnownIssue(isIntermittent: true) {
      try body()
    } matching: { issue in
      comments.add(issue.comments.map(\.rawValue).joined())
      return true
    }
    return comments.all
  }

  private final class Comments: @unchecked Sendable {
    private(set) var all: [String] = []
    func add(_ comment: String) { all.append(comment) }
  }

  private func makeHost() throws -> TestHost {
    let host = TestHost()
    try host.load(Built.exampleTools)
    return host
  }

  @Test func differencesAreShown() throws {
    let host = try makeHost()
    #expect(
      try issues { try host.expectResult("echo", ["text": "hi"], "ho") } == [
        "echo answered otherwise\n  - \"ho\"\n  + \"hi\""
      ])
    try host.session.define("a", 1)
    try host.session.define("b", 2)
    #expect(
      issues { host.session.expectVariables(["a": 1, "c": 3]) } == [
        "the variables are otherwise\n    a = 1\n  - c = 3\n  + b = 2"
      ])
    let record = try host.call("echo", ["text": "hi"])
    #expect(issues { record.expectTrace(of: ["call.result"], []) }.count == 1)
    #expect(issues { record.expectTrace(of: ["variables.get"], []) }.isEmpty)
  }

  @Test func failuresAreTold() throws {
    let host = try makeHost()
    let arguments: [String: TestValue] = ["variable": "nothing", "factor": 2]
    #expect(
      try issues { try host.expectResult("scale_variable", arguments, 1) }[0].contains("nothing"))
    #expect(
      try issues { try host.expectFailure("scale_variable", arguments, code: 10) }[0]
        .contains("code 5, not 10"))
    #expect(
      try issues { try host.expectFailure("scale_variable", arguments, code: 5, "x y") }[0]
        .contains("…x y…"))
    #expect(
      try issues { try host.expectFailure("echo", ["text": "hi"], code: 5) }[0]
        .contains("was to fail"))
  }

  @Test func linesAreAlignedWhereTheyAreTheSame() {
    #expect(
      Difference.text(["a", "b", "c"], ["a", "x", "c", "d"]) == "    a\n  - b\n  + x\n    c\n  + d")
    #expect(Difference.text([], ["a"]) == "  + a")
    #expect(Difference.text(["a"], []) == "  - a")
  }
}
