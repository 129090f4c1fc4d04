import BridgeSessions
import BridgeTools
import Glibc
import Testing
import Threads

@testable import BridgePluginProcess

/// Calls that come together: they go out in one message, run one after another where they are quick, and do
/// not hold each other up.
extension TestPluginSuites {
  @Suite(.timeLimit(.minutes(2))) struct ManyCallsTests {
    private let host = TestHost()
    private let fixture: Fixture
    private let session: Session
    private let plugin: ChildPlugin

    init() throws {
      fixture = try Fixture("mixed.c", as: "mixed")
      session = try Plugins.makeSession()
      plugin = try ChildPlugin.load(
        fixture.path, ChildPlugin.Configuration(), by: Plugins.runner, logger: host.tools.logger)
      try host.tools.registry.register(plugin)
    }

    /// Starts calls in one turn of this thread, as those of one packet.
    private func begin(_ tools: [String]) throws -> [Recorder] {
      try Turn.run {
        try tools.map { tool in
          let recorder = Recorder()
          _ = try host.begin(tool, session: session, recorder: recorder)
          return recorder
        }
      }
    }

    private func results(_ calls: [Recorder]) -> [ToolValue] {
      calls.map { (try? $0.wait().result.get()) ?? .null }
    }

    private let one = ToolValue.value(.integer(1), .integer)
    private let two = ToolValue.value(.integer(2), .integer)

    @Test func callsOfAllKindsEnd() throws {
      let kinds = ["quick", "slow", "ask", "quick", "quick"]
      for _ in 0..<20 {
        let calls = try begin((0..<50).map { kinds[$0 % kinds.count] })
        #expect(results(calls) == [ToolValue](repeating: one, count: 50))
      }
    }

    @Test func moreCallsThanThereArePlacesEnd() throws {
      let calls = try begin([String](repeating: "quick", count: 1000))
      #expect(results(calls) == [ToolValue](repeating: one, count: 1000))
    }

    /// One of them waits for another one, and its tool has always been quick.
    @Test func aCallThatLastsForOnceHoldsNobodyUp() throws {
      for _ in 0..<3 {
        let warm = try begin([String](repeating: "quick", count: 50))
        #expect(results(warm) == [ToolValue](repeating: one, count: 50))
        #expect(results(try begin(["arm"])) == [one])
        let calls = try begin([String](repeating: "quick", count: 50))
        // Some of these came with the one that lasts, some come now.
        while calls.count(where: \.isFinished) < 49 { usleep(1000) }
        #expect(results(try begin(["quick", "ask"])) == [one, one])
        #expect(calls.count(where: \.isFinished) == 49)
        #expect(results(try begin(["let_go"])) == [one])
        #expect(results(calls).filter { $0 != one } == [two])
      }
    }

    /// The call that crashes fails, and with it those that other threads are in the middle of: on a busy machine
    /// that may be any number. All are answered, and the plugin goes on.
    @Test func aCrashAmongManyCallsAnswersAll() throws {
      let first = try begin([String](repeating: "crash_at_last", count: 50))
      #expect(results(first) == [ToolValue](repeating: one, count: 50))
      let calls = try begin([String](repeating: "crash_at_last", count: 50))
      let failed = results(calls).filter { $0 != one }
      #expect(!failed.isEmpty)
      #expect(plugin.crashCount == 1)
      #expect(results(try begin(["quick"])) == [one])
    }
  }
}
