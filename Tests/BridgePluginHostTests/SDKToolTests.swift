import BridgeSessions
import BridgeTools
import Glibc
import Testing
import Threads

@testable import BridgePluginHost

/// The tools of `Tests/SDKTools`, which use every part of the SDK. One after the other: async tools need a
/// thread that no test blocks.
extension TestPluginSuites {
  @Suite struct SDKToolTests {
    private let log = TestLog()
    private let host: TestHost
    private let session: Session

    init() throws {
      host = TestHost(log: log)
      session = try Plugins.makeSession()
      try host.load(
        "\(Plugins.directory)/libSDKTools.so", configuration: #"{"model": "large"}"#)
    }

    private func failure(_ tool: String, _ arguments: [String: String] = [:]) throws -> ToolFailure?
    {
      if case .failure(let failure) = try host.run(tool, arguments, session: session).result {
        failure
      } else {
        nil
      }
    }

    @Test func anErrorCarriesAllItHas() throws {
      let failure = try #require(try failure("sdk_fail"))
      #expect(failure.code == 14 && failure.message == "closed" && failure.type == "closed_error")
      #expect(failure.isRetryable && failure.details == #"{"a":1}"#)
    }

    @Test func thePluginIsStartedWithItsConfiguration() throws {
      #expect(try host.result("sdk_configuration", session: session) == #"{"model": "large"}"#)
      #expect(log.lines.contains { $0.contains("started by bridge-host") })
      let error = #expect(throws: PluginError.self) {
        try TestHost().plugins.load(
          "\(Plugins.directory)/libSDKTools.so",
          LoadOptions(configuration: #"{"refuse": "because it rains"}"#))
      }
      #expect(error?.description.contains("it rains") == true, "\(error?.description ?? "")")
    }

    @Test func toolsSayWhatTheyAre() throws {
      let catalog = host.tools.registry.catalog
      let echo = try #require(catalog["sdk_echo"]).description
      #expect(echo.streams && echo.isIdempotent && echo.isOpenWorld && !echo.isReadOnly)
      #expect(echo.concurrency == .limited(3) && echo.title == "Echo" && !echo.isAtomic)
      let configuration = try #require(catalog["sdk_configuration"]).description
      #expect(configuration.execution == (Plugins.isolation.isEmpty ? .inline : .forwarded))
      #expect(try #require(catalog["sdk_transfer"]).description.isAtomic)
    }

    /// On both sides of the size from which results are given away instead of copied.
    @Test(arguments: [10, 2046, 2048, 100_000])
    func largeResultsAreWhole(_ count: Int) throws {
      func result(_ form: String) throws -> ToolValue {
        try host.run("sdk_large", ["form": "\"\(form)\"", "count": "\(count)"], session: session)
          .result.get()
      }
      let vector = try result("vector")
      #expect(
        vector.owned == .value(.array(NumericArray((0..<count).map(Double.init))), .embedding))
      guard case .value(.array(let tensor), .tensor) = try result("tensor").owned else {
        Issue.record("no tensor")
        return
      }
      #expect(tensor.shape == [count / 2, 2] && tensor.elementType == .int64)
      #expect(tensor.doubles == (0..<count).map(Double.init))
      #expect(try result("bytes").owned == .bytes((0..<count).map { UInt8($0 & 255) }))
      // Across processes memory is shared from another size on.
      let limit = Plugins.isolation.isEmpty ? 2048 : 8192
      if case .donated = vector { #expect(count >= limit) } else { #expect(count < limit) }
    }

    @Test func numbersOf64BitsAreExact() throws {
      guard
        case .success(.value(.array(let array), .tensor)) =
          try host.run("sdk_measured", session: session).result
      else {
        Issue.record("no tensor")
        return
      }
      #expect(array.elementType == .uint64)
      #expect(
        array.bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) } == [
          .max, 1 << 53 + 1,
        ])
    }

    @Test func objectsAreHeldToTheirSchema() throws {
      #expect(
        try host.result("sdk_shaped", ["object": #"{"a":9,"b":1}"#], session: session)
          == #"{"a":9,"b":1}"#)
      for (object, words) in [
        ("{}", "a"), (#"{"a":10}"#, "/a"), (#"{"a":"x"}"#, "/a"), ("[]", "expected a JSON object"),
      ] {
        let error = #expect(throws: ToolsError.self) {
          try host.run("sdk_shaped", ["object": object], session: session)
        }
        #expect(error?.message.contains(words) == true, "\(object): \(error?.message ?? "")")
      }
    }

    @Test func resultsAreHeldToWhatIsDeclared() throws {
      let failure = try #require(try failure("sdk_misshapen"))
      #expect(failure.code == 13 && failure.type == "invalid_result")
      #expect(failure.message.contains("sdk_misshapen has not answered what it declares"))
      #expect(failure.message.contains("\"a\"") || failure.message.contains("a"))
    }

    @Test func toolsCallToolsWithAwait() throws {
      #expect(
        try host.result("sdk_async_caller", ["tool": "\"sdk_echo\""], session: session)
          == "\"later\"")
      let missing = try #require(try failure("sdk_async_caller", ["tool": "\"nowhere\""]))
      #expect(missing.code == 5)
      let late = try #require(
        try failure("sdk_async_caller", ["tool": "\"sdk_cancelled\"", "timeout": "0.05"]))
      // `sdk_cancelled` takes no text.
      #expect(late.code == 3)
    }

    @Test func anAsyncToolIsCancelled() throws {
      let outcome = try cancelledCall(.cancelled)
      guard case .failure(let failure) = outcome.result else {
        Issue.record("\(outcome)")
        return
      }
      #expect(failure.code == 1)
    }

    private func cancelledCall(_ reason: ToolCall.Cancellation) throws -> ToolOutcome {
      let recorder = Recorder()
      let call = try host.begin("sdk_cancelled", session: session, recorder: recorder)
      while recorder.progress.isEmpty && !recorder.isFinished {}
      call.cancel(reason)
      return recorder.wait()
    }

    @Test func aCallKnowsItsTimeAndWritesToTheLog() throws {
      #expect(try host.result("sdk_told", session: session) == "false")
      let recorder = Recorder()
      _ = try host.begin(
        "sdk_told", session: session, deadline: MonotonicClock.now + 60_000_000_000,
        recorder: recorder)
      #expect(try recorder.wait().result.get() == .value(.boolean(true), .boolean))
      #expect(log.lines.contains { $0.hasPrefix("told") && $0.contains("tool=sdk_told") })
    }

    // MARK: Waiting for a value

    /// Begins to wait for a number, and comes back when the tool is about to.
    private func wait(
      for variable: String, least: Int
    ) throws -> (call: ToolCall, recorder: Recorder) {
      let recorder = Recorder()
      let call = try host.begin(
        "sdk_wait_for", ["variable": "\"\(variable)\"", "least": "\(least)"], session: session,
        recorder: recorder)
      while recorder.progress.isEmpty && !recorder.isFinished { usleep(100) }
      return (call, recorder)
    }

    private func set(_ number: Int64) throws {
      try session.set("counter", writer: Writer(.elixir)) { _ in Payload(.integer(number)) }
    }

    @Test func aToolWaitsForAValue() throws {
      // The present one counts.
      let present = try wait(for: "counter", least: 0).recorder.wait()
      #expect(try present.result.get() == .value(.integer(0), .integer))
      let (_, recorder) = try wait(for: "counter", least: 3)
      for number: Int64 in [1, 2] { try set(number) }
      #expect(!recorder.isFinished)
      // One value and no other: the tool may begin to watch after it was set.
      try set(4)
      #expect(try recorder.wait().result.get() == .value(.integer(4), .integer))
      // It need not exist.
      let (_, later) = try wait(for: "later", least: 1)
      try session.register(
        name: "later", type: .integer, payload: Payload(.integer(1)), writer: Writer(.elixir))
      #expect(try later.wait().result.get() == .value(.integer(1), .integer))
    }

    private func failure(of outcome: ToolOutcome) -> ToolFailure? {
      if case .failure(let failure) = outcome.result { failure } else { nil }
    }

    @Test func aWaitForAValueOfAnotherTypeFails() throws {
      try session.register(
        name: "text", type: .string, payload: Payload(.string("x")), writer: Writer(.elixir))
      #expect(failure(of: try wait(for: "text", least: 0).recorder.wait())?.code == 3)
      // Also when it comes later.
      let (_, recorder) = try wait(for: "other", least: 0)
      try session.register(
        name: "other", type: .boolean, payload: Payload(.boolean(true)), writer: Writer(.elixir))
      #expect(failure(of: recorder.wait())?.code == 3)
    }

    @Test(arguments: [ToolCall.Cancellation.cancelled, .deadlineExceeded])
    func aWaitEndsWithItsCall(_ reason: ToolCall.Cancellation) throws {
      let (call, recorder) = try wait(for: "counter", least: 9)
      call.cancel(reason)
      #expect(failure(of: recorder.wait())?.code == reason.rawValue)
    }

    @Test func createdVariablesHaveTheirChoices() throws {
      #expect(
        try host.result("sdk_chosen", session: session)
          == #"[{"type":"choice","constraints":{"choices":["fast","exact"]}},"#
          + #"{"type":"choice","constraints":{"choices":["fast"]}},"#
          + #"{"type":"string","constraints":null}]"#)
    }

    @Test func anAtomicToolCommitsOrDoesNot() throws {
      try session.register(
        name: "target", type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
      let revision = session.revision
      #expect(
        try failure("sdk_transfer", ["amount": "5", "fails": "true"])?.message == "not today")
      #expect(session.revision == revision)
      #expect(try host.result("sdk_transfer", ["amount": "5"], session: session) == "[-5.0,5.0]")
      #expect(session.revision == revision + 1)
      #expect(try session.get("counter").variable.value == .integer(-5))
      #expect(try session.get("target").variable.value == .integer(5))
    }
  }
}
