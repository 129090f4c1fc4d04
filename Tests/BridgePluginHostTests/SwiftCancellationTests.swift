import BridgeSessions
import BridgeTools
import Glibc
import Testing

@testable import BridgePluginHost

/// Tools in Swift that are cancelled.
extension TestPluginSuites {
  @Suite struct SwiftCancellationTests {
    @Test func tasksOfSwiftAreCancelled() throws {
      let host = try Plugins.makeHost(loading: "libExampleTools.so")
      let session = try Plugins.makeSession()
      try session.register(
        name: "t", type: .float, payload: Payload(.float(0)), writer: Writer(.elixir))
      let arguments = ["variable": "\"t\"", "count": "1000000"]
      for reason in [ToolCall.Cancellation.cancelled, .deadlineExceeded] {
        let outcome = try CancellationTests.cancelled(
          "average_updates", arguments, after: 5000, reason: reason, host: host, session: session)
        #expect(CancellationTests.code(outcome) == reason.rawValue)
        let waiting = try CancellationTests.cancelled(
          "wait_for_variable", ["variable": "\"t\"", "target": "9"], after: 5000, reason: reason,
          host: host, session: session)
        #expect(CancellationTests.code(waiting) == reason.rawValue)
      }
      #expect(Plugins.watchesHaveEnded(of: session))
    }

    @Test func cancellingATaskAtAnyMomentEndsItOnce() throws {
      let host = try Plugins.makeHost(loading: "libExampleTools.so")
      let session = try Plugins.makeSession()
      try session.register(
        name: "t", type: .float, payload: Payload(.float(0)), writer: Writer(.elixir))
      for round in 0..<1000 {
        let recorder = Recorder()
        let call = try host.begin(
          "average_updates", ["variable": "\"t\"", "count": "1"], session: session,
          recorder: recorder)
        let writer = Thread {
          _ = try? session.set("t", writer: Writer(.elixir)) { _ in Payload(.float(Double(round))) }
        }
        usleep(UInt32(round % 200))
        call.cancel(.cancelled)
        writer.join()
        #expect([0, 1].contains(CancellationTests.code(recorder.wait())))
      }
      #expect(Plugins.watchesHaveEnded(of: session))
    }
  }
}
