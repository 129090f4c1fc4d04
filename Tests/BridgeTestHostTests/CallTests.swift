import BridgeTestHost
import BridgeTools
import Testing

/// Calls of tools in a test host: results, variables, chunks, and what goes wrong.
@Suite struct CallTests {
  @Test func aCallAnswersAndIsTraced() throws {
    let host = TestHost()
    try host.load(Built.exampleTools)
    try host.session.define("temperature", 21.5)
    let record = try host.call("scale_variable", ["variable": "temperature", "factor": 2])
    #expect(record.value == 43.0)
    #expect(try host.session["temperature"] == 43.0)
    #expect(try host.session.variable("temperature").writer == "tool:scale_variable")
    #expect(record.violations.isEmpty && record.leftOver.isEmpty)
    #expect(
      record.trace.filter { $0.function.hasPrefix("variables.") }.map(\.line) == [
        #"variables.get(identifier: "temperature") → OK value: 21.5, version: 1"#,
        "variables.read() → OK", "variables.release() → OK",
        #"variables.set(identifier: "var_temperature_1", value: 43.0, expected_version: 1)"#
          + " → OK version: 2",
      ])
    #expect(record.trace[0].function == "run" && record.trace[0].isCallback)
    #expect(record.trace.allSatisfy { $0.thread == 1 && $0.duration != nil })
  }

  @Test func chunksAndProgressComeInOrder() throws {
    let host = TestHost()
    try host.load(Built.exampleTools)
    let record = try host.call("countdown", ["from": 3])
    #expect(record.chunks == [3, 2, 1])
    #expect(record.progress.map(\.message) == ["2 to go", "1 to go", "0 to go"])
    #expect(record.value == 3)
    var options = CallOptions()
    options.isStreaming = false
    #expect(try host.call("countdown", ["from": 3], options: options).failure?.code == 9)
  }

  @Test func aFailureIsTheToolsOwn() throws {
    let host = TestHost()
    try host.load(Built.testPlugin)
    let failure = try #require(try host.call("test_fail").failure)
    #expect(failure.code == 14 && failure.type == "oracle_error" && failure.isRetryable)
    #expect(failure.details == #"{"hours":"9-5"}"#)
  }

  @Test func whatCannotBeCalledSaysWhy() throws {
    let host = TestHost()
    try host.load(Built.exampleTools)
    #expect(throws: TestHostError.self) { try host.call("nothing") }
    let error = #expect(throws: TestHostError.self) { try host.call("echo", ["texts": "x"]) }
    #expect(error?.kind == .calling)
    #expect(error?.description.contains("text") == true)
    #expect(throws: TestHostError.self) { try host.load("/nowhere.so") }
    #expect(throws: TestHostError.self) { try host.session["nothing"] }
    #expect(throws: TestHostError.self) { try host.session.define("x", .json("[1]")) }
  }

  @Test func aTestWritesWhileAToolWatches() throws {
    let host = TestHost()
    try host.load(Built.exampleTools)
    let call = try host.start("wait_for_variable", ["variable": "level", "target": 3.0])
    try host.session.define("level", 1.0)
    try host.session.set("level", 2.5)
    #expect(!call.hasEnded)
    try host.session.set("level", 7.0)
    let record = try call.wait()
    #expect(record.value == 7.0)
    #expect(record.uses(of: "variables.watch").count == 1)
    #expect(record.trace.contains { $0.function == "on_change" && $0.thread != 1 })
    #expect(host.session.watches == 0)
  }

  @Test func aCallIsCancelled() throws {
    let host = TestHost()
    try host.load(Built.testPlugin)
    let call = try host.start("test_sleep")
    call.cancel()
    #expect(try call.wait().failure?.code == 1)
    let late = try host.call(
      "test_sleep", options: CallOptions(faults: [Fault(.deadline, .after(1_000_000))]))
    #expect(late.failure?.code == 4)
    let early = try host.call("test_sleep", options: CallOptions(faults: [Fault(.cancel, .start)]))
    #expect(early.failure?.code == 1)
  }

  @Test func aCallThatDoesNotEndIsGivenUp() throws {
    let host = TestHost()
    try host.load(Built.testPlugin)
    var options = CallOptions()
    options.timeout = 20_000_000
    let error = #expect(throws: TestHostError.self) {
      try host.call("test_sleep", options: options)
    }
    #expect(error?.kind == .stillRunning)
  }

  @Test func aTaskDoesNotHoldItsThread() async throws {
    let host = TestHost()
    try host.load(Built.exampleTools)
    let numbers = try await withThrowingTaskGroup(of: Double?.self) { group in
      for number in 1...50 {
        group.addTask {
          try await host.call("wait_for_variable", ["variable": "go", "target": 1.0])
            .value?.number.map { $0 + Double(number) }
        }
      }
      while host.session.watches < 20 { await Task.yield() }
      try host.session.define("go", 1.0)
      return try await group.reduce(into: [Double]()) { $0.append($1 ?? 0) }
    }
    #expect(numbers.sorted() == (1...50).map { Double($0) + 1 })
  }

  @Test func hostsOfOneProcessKnowNothingOfEachOther() throws {
    let hosts = try (0..<8).map { _ in
      let host = TestHost()
      try host.load(Built.testPlugin)
      try host.session.define("counter", 0)
      return host
    }
    for (index, host) in hosts.enumerated() {
      for _ in 0...index { _ = try host.call("test_serial") }
    }
    for (index, host) in hosts.enumerated() {
      #expect(try host.session["counter"].number == Double(index + 1))
    }
  }

  @Test func sessionsAreApart() throws {
    let host = TestHost()
    try host.load(Built.testPlugin)
    let other = try host.session("other")
    try other.define("counter", 5)
    #expect(try host.session("other") === other)
    _ = try host.call("test_serial", in: other)
    #expect(try other["counter"] == 6)
    #expect(throws: TestHostError.self) { try host.session["counter"] }
    host.end(other)
    #expect(try host.session("other") !== other)
  }

  @Test func whatAManifestReadsIsTraced() throws {
    let host = TestHost()
    try host.load(Built.libm)
    #expect(try host.call("libm_pow", ["x": 2, "y": 10]).value == 1024.0)
  }

  @Test func anotherToolIsStubbed() throws {
    let host = TestHost()
    try host.load(Built.rules)
    #expect(try host.call("calls").failure?.code == 5)
    try host.stub("other") { _ in 42 }
    let record = try host.call("calls")
    #expect(record.value == 42)
    #expect(record.uses(of: "tools.invoke")[0].line == #"tools.invoke(tool: "other") → OK"#)
    #expect(throws: TestHostError.self) { try host.stub("other") { _ in 1 } }
  }

  @Test func whatTheRecordSaysAsJSONCanBeReadAgain() throws {
    let host = TestHost()
    try host.load(Built.testPlugin)
    let text = try host.call("test_blob").json().text
    #expect(text.contains(#""binary":"010203""#))
    #expect(text.contains(#""function":"call.give_binary""#))
    #expect(TestValue.bytes([0, 255]).jsonText == #"{"hex":"00ff"}"#)
  }
}
