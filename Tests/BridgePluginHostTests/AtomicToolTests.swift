import BridgeSessions
import BridgeTools
import Testing

@testable import BridgePluginHost

/// A tool in C whose writes are committed together, as its call ends in all the ways there are.
extension TestPluginSuites {
  @Suite struct AtomicToolTests {
    private let host: TestHost
    private let session: Session

    init() throws {
      host = try Plugins.makeHost(loading: "libTestPlugin.so")
      session = try Plugins.makeSession()
      try session.register(
        name: "old", type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
    }

    /// Whether everything was written that the tool writes; nil when only a part of it was.
    private var isWritten: Bool? {
      let names = try? session.list().variables.map(\.name)
      let counter = try? session.get("counter").variable.value
      switch (names?.filter { $0 != "go" }, counter) {
      case (["counter", "made"], .integer(1)): return true
      case (["counter", "old"], .integer(let number)) where number != 1: return false
      default: return nil
      }
    }

    private func start(_ how: Int, _ recorder: Recorder) throws -> ToolCall {
      let call = try host.begin(
        "test_atomic", ["count": "\(how)"], session: session, recorder: recorder)
      while recorder.progress.isEmpty && !recorder.isFinished {}
      return call
    }

    private func code(_ recorder: Recorder) -> Int32 { CancellationTests.code(recorder.wait()) }

    @Test(arguments: [0, 4])
    func itCommitsWhenItSucceeds(_ how: Int) throws {
      let revision = session.revision
      let recorder = Recorder()
      _ = try start(how, recorder)
      #expect(code(recorder) == 0)
      #expect(isWritten == true)
      #expect(session.revision == revision + 1)
      #expect(try session.get("made").variable.value == .integer(2))
    }

    @Test func itWritesNothingWhenItFails() throws {
      let revision = session.revision
      let recorder = Recorder()
      _ = try start(1, recorder)
      #expect(code(recorder) == 15)
      #expect(isWritten == false && session.revision == revision)
    }

    @Test(arguments: [ToolCall.Cancellation.cancelled, .deadlineExceeded])
    func itWritesNothingWhenItIsCancelled(_ reason: ToolCall.Cancellation) throws {
      let recorder = Recorder()
      let call = try start(2, recorder)
      #expect(isWritten == false)
      call.cancel(reason)
      #expect(code(recorder) == reason.rawValue)
      #expect(isWritten == false)
    }

    @Test func aConflictAborts() throws {
      let recorder = Recorder()
      _ = try start(3, recorder)
      try session.set("counter", writer: Writer(.elixir)) { _ in Payload(.integer(7)) }
      try session.register(
        name: "go", type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
      #expect(code(recorder) == 10)
      #expect(isWritten == false)
      guard case .failure(let failure) = recorder.wait().result else { return }
      #expect(failure.type == "conflict" && failure.isRetryable)
      #expect(failure.details.contains(#""current_version":"2""#), "\(failure.details)")
    }
  }
}
