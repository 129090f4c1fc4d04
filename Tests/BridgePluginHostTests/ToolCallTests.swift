import BridgeSessions
import BridgeTools
import Glibc
import Testing
import Threads

@testable import BridgePluginHost

/// Tools of a real shared object, written in C, using the ABI well and badly.
extension TestPluginSuites {
  @Suite struct ToolCallTests {
    @Test func failuresCarryTheirDetail() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let session = try Plugins.makeSession()
      guard case .failure(let failure) = try host.run("test_fail", session: session).result else {
        Issue.record("should fail")
        return
      }
      #expect(failure.code == 14)
      #expect(failure.message == "the oracle is closed")
      #expect(failure.type == "oracle_error")
      #expect(failure.details == #"{"hours":"9-5"}"#)
      #expect(failure.isRetryable)
      guard case .failure(let silent) = try host.run("test_fail_silently", session: session).result
      else {
        Issue.record("should fail")
        return
      }
      #expect(silent.code == 10)
      #expect(silent.message.contains("test_fail_silently"))
    }

    @Test func misuseIsAnErrorAndNoCrash() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let session = try Plugins.makeSession()
      _ = try host.result("test_stale", session: session)
      // The first call's handle and snapshot are stale now: four more errors. A fresh process has none.
      let errors = Plugins.isolation == "per-call" ? "8" : "12"
      #expect(try host.result("test_stale", session: session) == errors)
    }

    @Test func aRetainedCallEndsWithItsToken() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let session = try Plugins.makeSession()
      for _ in 0..<20 { #expect(try host.result("test_retained", session: session) == "42") }
      #expect(try host.result("test_pending", session: session).contains("without retaining"))
    }

    @Test func aFullStreamWaitsForRoom() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let recorder = Recorder(room: 3)
      let call = try host.begin(
        "test_emit", ["count": "10"], session: try Plugins.makeSession(), isStreaming: true,
        recorder: recorder)
      while !recorder.isFinished {
        usleep(1000)
        call.roomIsAvailable()
      }
      #expect(recorder.chunks == (0..<10).map { .value(.integer($0), .integer) })
      guard case .success(.value(.integer(let full), _)) = recorder.wait().result else {
        Issue.record("should succeed")
        return
      }
      // A process of its own has room for one chunk at a time.
      #expect(Plugins.isolation.isEmpty ? full == 3 : full >= 3)
    }

    @Test func aFullStreamCanBeCancelled() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let recorder = Recorder(room: 1)
      let call = try host.begin(
        "test_emit", ["count": "10"], session: try Plugins.makeSession(), isStreaming: true,
        recorder: recorder)
      call.cancel(.cancelled)
      guard case .failure(let failure) = recorder.wait().result else {
        Issue.record("should fail")
        return
      }
      #expect(failure.code == 1)
      #expect(recorder.chunks.count <= 1)
    }

    @Test func emittingNeedsAStream() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let outcome = try host.run("test_emit", ["count": "1"], session: try Plugins.makeSession())
      guard case .failure(let failure) = outcome.result else {
        Issue.record("should fail")
        return
      }
      #expect(failure.code == 9)
    }

    @Test func deadlinesAndCancellationEndASleep() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let session = try Plugins.makeSession()
      let late = Recorder()
      _ = try host.begin(
        "test_sleep", session: session, deadline: MonotonicClock.now + 30_000_000, recorder: late)
      guard case .failure(let failure) = late.wait().result else {
        Issue.record("should fail")
        return
      }
      #expect(failure.code == 4)
      let cancelled = Recorder()
      let call = try host.begin("test_sleep", session: session, recorder: cancelled)
      call.cancel(.cancelled)
      guard case .failure(let failure) = cancelled.wait().result else {
        Issue.record("should fail")
        return
      }
      #expect(failure.code == 1)
    }

    @Test func watchesComeInOrderAndEndWithUnwatch() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let session = try Plugins.makeSession()
      let recorders = (0..<4).map { _ in Recorder() }
      for recorder in recorders {
        _ = try host.begin("test_watch", session: session, recorder: recorder)
      }
      for number in 1...1000 {
        try session.set("counter", writer: Writer(.elixir)) { _ in Payload(.integer(Int64(number)))
        }
      }
      for recorder in recorders {
        guard case .success = recorder.wait().result else {
          Issue.record("\(recorder.wait().result)")
          return
        }
      }
      #expect(Plugins.watchesHaveEnded(of: session))
    }

    @Test func unwatchingInsideTheCallbackMakesItTheLast() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      #expect(try host.result("test_watch_once", session: try Plugins.makeSession()) == "1")
    }

    @Test func whatIsDeclaredIsEnforced() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let session = try Plugins.makeSession()
      for name in ["a_1", "out"] {
        try session.register(
          name: name, type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
      }
      #expect(try host.result("test_cheat", session: session).contains("read-only"))
      #expect(try session.get("counter").variable.value == .integer(0))
      #expect(try host.result("test_footprint", session: session) == "6")
    }

    @Test func serialToolsRunOneAtATime() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let session = try Plugins.makeSession()
      let recorders = (0..<50).map { _ in Recorder() }
      for recorder in recorders {
        _ = try host.begin("test_serial", session: session, recorder: recorder)
      }
      for recorder in recorders { _ = recorder.wait() }
      #expect(try session.get("counter").variable.value == .integer(50))
    }

    @Test func blobsAreReleased() throws {
      let host = try Plugins.makeHost(loading: "libTestPlugin.so")
      let session = try Plugins.makeSession()
      let released: Int64
      do {
        let first = try host.run("test_blob", session: session)
        #expect(first.binaryResult?.bytes == [1, 2, 3])
        #expect(first.metadata == ["key": "value"])
        guard case .success(.value(.integer(let number), _)) = first.result else {
          Issue.record("should succeed")
          return
        }
        released = number
        // Across processes it is: the plugin has its memory back at once.
        guard Plugins.isolation.isEmpty else { return }
        // The memory is not copied: it goes with the answer.
        #expect(try host.result("test_blob", session: session) == "\(released)")
      }
      // A worker may hold the last answer for a moment more.
      var ended: Int64 = 2
      while try host.result("test_blob", session: session) != "\(released + ended)" {
        ended += 1
        usleep(1000)
      }
    }
  }
}
