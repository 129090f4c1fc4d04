import BridgeSessions
import BridgeTools
import Glibc
import Testing

@testable import BridgePluginHost

/// Tools in C that are told of their cancellation, and callbacks that end each other.
extension TestPluginSuites {
  @Suite struct CancellationTests {
    private func makeHost() throws -> TestHost {
      try Plugins.makeHost(loading: "libTestPlugin.so")
    }

    /// The code a call failed with; 0 when it did not.
    static func code(_ outcome: ToolOutcome) -> Int32 {
      if case .failure(let failure) = outcome.result { failure.code } else { 0 }
    }

    /// The integer a call answered; its failure otherwise.
    private func answer(_ outcome: ToolOutcome) -> String {
      switch outcome.result {
      case .success(.value(.integer(let number), _)): "\(number)"
      case .success(let other): "\(other)"
      case .failure(let failure): "\(failure)"
      }
    }

    /// Starts a call and cancels it: once its tool says that it runs, or after a time.
    static func cancelled(
      _ name: String, _ arguments: [String: String] = [:], after microseconds: UInt32? = nil,
      reason: ToolCall.Cancellation = .cancelled, host: TestHost, session: Session
    ) throws -> ToolOutcome {
      let recorder = Recorder()
      let call = try host.begin(name, arguments, session: session, recorder: recorder)
      if let microseconds {
        usleep(microseconds)
      } else {
        while recorder.progress.isEmpty && !recorder.isFinished { usleep(100) }
      }
      call.cancel(reason)
      // A second reason changes nothing.
      call.cancel(.cancelled)
      return recorder.wait()
    }

    @Test(arguments: [ToolCall.Cancellation.cancelled, .deadlineExceeded])
    func aToolInTheKernelIsWoken(_ reason: ToolCall.Cancellation) throws {
      let host = try makeHost()
      let session = try Plugins.makeSession()
      for tool in ["test_poll", "test_complete_on_cancel"] {
        let outcome = try Self.cancelled(tool, reason: reason, host: host, session: session)
        #expect(Self.code(outcome) == reason.rawValue, "\(tool)")
      }
    }

    @Test func whoAsksLateIsToldAtOnce() throws {
      let host = try makeHost()
      let session = try Plugins.makeSession()
      for (reason, number) in [(ToolCall.Cancellation.cancelled, "1"), (.deadlineExceeded, "4")] {
        let outcome = try Self.cancelled(
          "test_listen_late", reason: reason, host: host, session: session)
        #expect(answer(outcome) == number)
      }
    }

    @Test func whoForgetsIsNotTold() throws {
      let outcome = try Self.cancelled(
        "test_forget", host: try makeHost(), session: try Plugins.makeSession())
      // One listener was told, another one forgot itself (10), the third had been forgotten.
      #expect(answer(outcome) == "11")
    }

    @Test func noCallbackComesAfterTheCallWasCompleted() throws {
      let host = try makeHost()
      let session = try Plugins.makeSession()
      for round in 0..<3000 {
        _ = try Self.cancelled(
          "test_race", after: UInt32(round % 60), host: host, session: session)
      }
      #expect(try host.result("test_violations", session: session) == "0")
      #expect(Plugins.watchesHaveEnded(of: session))
    }

    @Test(arguments: [2, 3, 5, 8])
    func callbacksThatEndEachOtherDoNotHang(_ count: Int) throws {
      let host = try makeHost()
      let session = try Plugins.makeSession()
      for _ in 0..<50 {
        // All wait for the next one but the one that would have closed the ring.
        #expect(
          try host.result("test_ring", ["count": "\(count)"], session: session) == "1")
      }
      #expect(Plugins.watchesHaveEnded(of: session))
    }

    @Test func aCallbackWaitsForOneThatDoesNotWaitForIt() throws {
      let host = try makeHost()
      let session = try Plugins.makeSession()
      for _ in 0..<50 { #expect(try host.result("test_chain", session: session) == "0") }
    }

    @Test func aCallbackMayCompleteWhileAnotherEndsItsWatch() throws {
      let host = try makeHost()
      let session = try Plugins.makeSession()
      for _ in 0..<300 {
        #expect(Self.code(try host.run("test_complete_across", session: session)) == 0)
      }
      #expect(Plugins.watchesHaveEnded(of: session))
    }

    @Test func aListenerAndAWatchMayEndEachOther() throws {
      let host = try makeHost()
      let session = try Plugins.makeSession()
      for _ in 0..<50 {
        let outcome = try Self.cancelled("test_cancel_across", host: host, session: session)
        // One of them waited for the other.
        #expect(answer(outcome) == "1")
      }
      #expect(Plugins.watchesHaveEnded(of: session))
    }
  }
}
