import BridgePluginABI
@testable import BridgePluginTesting
import Glibc
import Testing

import ExampleTools

/// The example plugin's tools, tested as their author would: the plugin is linked into the test.
@Suite(.plugin(entry: enter)) struct ExampleToolTests {
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

  @Test(.plugin(entry: enter, clock: { TestClock() }))
  func aCountdownOfAnHour() throws {
    let host = TestHost.current
    let record = try host.expectResult("countdown", ["from": 61, "interval_ms": 60_000], 61)
    #expect(record.chunks.count == 61)
    #expect(host.clock?.now == 3_600_000_000_000)
  }

  @Test func testsOfASuiteShareNothing() throws {
    #expect(TestHost.current.session.variables.isEmpty)
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
    try host.load(entry: enter)
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
