import BridgeSessions
import Logging
import Testing
import Threads

@testable import BridgeTools

/// Tools that call tools.
@Suite struct NestedCallTests {
  /// Calls another tool, waits for it, and answers what it answered plus one.
  private static func callAndAddOne(_ name: String) -> @Sendable (ToolCall) -> Void {
    { call in
      let recorder = Recorder()
      do {
        _ = try call.services.start(
          name, arguments: [], isStreaming: false, from: call, waits: true, observer: recorder)
        let outcome = recorder.wait()
        if let number = outcome.integer { return call.answer(number + 1) }
        call.finish(outcome.result)
      } catch let error as ToolsError {
        call.fail(ToolFailure(code: 9, message: error.message, type: "\(error.code)"))
      } catch {
        call.fail(ToolFailure(code: 13, message: "\(error)", type: "other"))
      }
    }
  }

  @Test func callsAreNestedAndBounded() throws {
    let test = try TestHost([
      ClosureTool("one") { $0.answer(1) },
      ClosureTool("two", Self.callAndAddOne("one")),
      ClosureTool("three", Self.callAndAddOne("two")),
      ClosureTool("endless", Self.callAndAddOne("endless")),
      ClosureTool("lost", Self.callAndAddOne("nowhere")),
    ])
    #expect(try test.run("three").integer == 3)
    let failure = try test.run("endless").failure
    #expect(failure?.message.contains("at most 16") == true, "\(failure?.message ?? "")")
    #expect(try test.run("lost").failure?.message == "Tool not found: nowhere")
    test.waitUntilIdle()
  }

  /// All threads wait for calls within theirs, and still these run.
  @Test(arguments: [ToolDescription.Concurrency.unlimited, .limited(2)])
  func nestedCallsNeedNoThreadOfTheirOwn(_ inner: ToolDescription.Concurrency) throws {
    var configuration = ToolThreads.Configuration()
    configuration.toolThreads = 2
    let test = try TestHost(
      [
        ClosureTool("inner", { $0.concurrency = inner }) { $0.answer(1) },
        ClosureTool("outer", Self.callAndAddOne("inner")),
      ], configuration: configuration)
    let recorders = (0..<50).map { _ in Recorder() }
    for recorder in recorders { try test.start("outer", recorder: recorder) }
    for recorder in recorders { #expect(recorder.wait().integer == 2) }
  }

  @Test func aSerialToolCannotWaitBehindItself() throws {
    let test = try TestHost([
      ClosureTool("inner", { $0.concurrency = .serial }) { $0.answer(1) },
      ClosureTool("outer", { $0.concurrency = .serial }, Self.callAndAddOne("inner")),
    ])
    let failure = try test.run("outer").failure
    #expect(failure?.message.contains("behind the call it is in") == true)
    #expect(try test.run("inner").integer == 1)
  }

  @Test func aQuickToolDoesNotWaitForOneThatIsNot() throws {
    let test = try TestHost([
      ClosureTool("slow") { $0.answer(1) },
      ClosureTool("quick", { $0.execution = .inline }) { $0.answer(2) },
      ClosureTool("a", { $0.execution = .inline }, Self.callAndAddOne("slow")),
      ClosureTool("b", { $0.execution = .inline }, Self.callAndAddOne("quick")),
    ])
    #expect(try test.run("a", onEventLoop: true).failure?.message.contains("quick") == true)
    #expect(try test.run("b", onEventLoop: true).integer == 3)
    // From a thread that may block it may.
    #expect(try test.run("a").integer == 2)
  }

  @Test func cancellingTheOuterCallCancelsTheInner() throws {
    let isInside = Gate()
    let test = try TestHost([
      ClosureTool("inner") { call in
        isInside.open()
        let reason = call.sleep(nanoseconds: .max)
        call.fail(ToolFailure(reason ?? .deadlineExceeded, tool: "inner"))
      },
      ClosureTool("middle", Self.callAndAddOne("inner")),
      ClosureTool("outer", Self.callAndAddOne("middle")),
    ])
    let recorder = Recorder()
    let call = try test.start("outer", recorder: recorder)
    isInside.wait()
    call.cancel(.cancelled)
    #expect(recorder.wait().failure?.message == "inner was cancelled")
  }

  @Test func theDeadlineIsInherited() throws {
    let test = try TestHost([
      ClosureTool("inner") { call in
        #expect(call.request.depth == 1)
        call.answer(call.request.deadline ?? 0)
      },
      ClosureTool("outer", Self.callAndAddOne("inner")),
    ])
    let deadline = MonotonicClock.now + 60_000_000_000
    let recorder = Recorder()
    try test.start("outer", deadline: deadline, recorder: recorder)
    #expect(recorder.wait().integer == deadline + 1)
  }

  /// Has a tool of its own as soon as it is asked for it.
  private final class Peer: SessionPeer {
    let looks = Locked(0)
    let host = Locked<(host: ToolHost, session: Session)?>(nil)

    func isReady(_ session: String) -> Bool { true }
    func prepare(_ session: String, _ done: @escaping @Sendable () -> Void) { done() }
    func initialize(
      _ session: String, request: [UInt8], _ done: @escaping @Sendable () -> Void
    ) { done() }
    func end(_ session: String, request: [UInt8], _ done: @escaping @Sendable () -> Void) { done() }
    func heartbeat(_ session: String) {}

    func lookAgain(_ session: String, _ done: @escaping @Sendable () -> Void) -> Bool {
      let count = looks.withLock { looks in
        looks += 1
        return looks
      }
      guard count == 1, let parts = host.withLock({ $0 }) else { return false }
      let tools = TestProvider("peer", [ClosureTool("far") { $0.answer(7) }])
      _ = startThread(named: "peer") {
        try? parts.host.register(tools, in: parts.session)
        done()
      }
      return true
    }
  }

  @Test func aToolOfAPeerIsFoundWhenItIsAskedFor() throws {
    let peer = Peer()
    let host = ToolHost(peer: peer, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let session = try SessionStore().create("s")
    peer.host.withLock { $0 = (host, session) }
    try host.registry.register(
      TestProvider(
        "test",
        [
          ClosureTool("near", Self.callAndAddOne("far")),
          ClosureTool("lost", Self.callAndAddOne("nowhere")),
        ]))
    func run(_ name: String) throws -> ToolOutcome {
      let recorder = Recorder()
      _ = try host.start(
        host.admit(name, in: "s"), ToolCall.Request(arguments: Arguments(checked: [:])),
        in: session, onEventLoop: false, observer: recorder)
      return recorder.wait()
    }
    #expect(try run("near").integer == 8)
    // It has looked a moment ago.
    #expect(try run("lost").failure?.message == "Tool not found: nowhere")
    #expect(peer.looks.withLock { $0 } == 2)
    // Two that hold each other.
    peer.host.withLock { $0 = nil }
  }
}
