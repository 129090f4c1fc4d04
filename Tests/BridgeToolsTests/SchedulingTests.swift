import BridgeSessions
import Glibc
import Testing
import Threads

@testable import BridgeTools

@Suite struct SchedulingTests {
  /// How many calls were inside at once.
  private final class Counter: Sendable {
    private let state = Locked((inside: 0, most: 0))

    func enter() {
      state.withLock { state in
        state.inside += 1
        state.most = max(state.most, state.inside)
      }
    }

    func leave() { state.withLock { $0.inside -= 1 } }

    var most: Int { state.withLock(\.most) }
  }

  @Test(arguments: [1, 3])
  func limitedToolsRunNoMoreAtOnce(_ limit: Int) throws {
    let counter = Counter()
    let test = try TestHost([
      ClosureTool("t") {
        $0.concurrency = limit == 1 ? .serial : .limited(limit)
      } _: { call in
        counter.enter()
        usleep(300)
        counter.leave()
        call.finish()
      }
    ])
    let recorders = (0..<60).map { _ in Recorder() }
    for recorder in recorders { try test.start("t", recorder: recorder) }
    for recorder in recorders { _ = recorder.wait() }
    #expect(counter.most <= limit)
    #expect(counter.most >= 1)
  }

  /// Clients that have their share of threads, and turns that pass by them: all calls end, whoever gives up before,
  /// and the shares are free again.
  @Test func turnsAndSharesOfThreadsGetAlong() throws {
    let counter = Counter()
    var configuration = ToolThreads.Configuration()
    configuration.toolThreads = 4
    let test = try TestHost(
      [
        ClosureTool("turn") {
          $0.concurrency = .serial
        } _: { call in
          counter.enter()
          usleep(50)
          counter.leave()
          call.finish()
        },
        ClosureTool("beside") { call in
          usleep(100)
          call.finish()
        },
      ], configuration: configuration)
    for _ in 0..<5 {
      var recorders: [Recorder] = []
      for number in 0..<600 {
        let recorder = Recorder()
        recorders.append(recorder)
        let clients: [UInt64?] = [1, 2, 3, nil]
        let call = try test.start(
          number % 3 == 0 ? "turn" : "beside", client: clients[number % 4], recorder: recorder)
        if number % 7 == 0 { call.cancel(.cancelled) }
      }
      for recorder in recorders { _ = recorder.wait() }
    }
    #expect(counter.most == 1)
    test.waitUntilIdle()
    for client: UInt64 in 1...3 {
      var places = 0
      // A thread may not have looked at the queue again yet.
      while places < test.host.threads.pool.ownerLimit {
        if test.host.threads.pool.reserve(client, for: ObjectIdentifier(test.host), {}) {
          places += 1
        }
      }
      #expect(!test.host.threads.pool.reserve(client, for: ObjectIdentifier(test.host)) {})
    }
  }

  @Test func serialToolsOfAProviderShareAQueue() throws {
    let counter = Counter()
    let body: @Sendable (ToolCall) -> Void = { call in
      counter.enter()
      usleep(300)
      counter.leave()
      call.finish()
    }
    let test = try TestHost([
      ClosureTool("a", { $0.concurrency = .serial }, body),
      ClosureTool("b", { $0.concurrency = .serial }, body),
    ])
    let recorders = (0..<40).map { _ in Recorder() }
    for (index, recorder) in recorders.enumerated() {
      try test.start(index % 2 == 0 ? "a" : "b", recorder: recorder)
    }
    for recorder in recorders { _ = recorder.wait() }
    #expect(counter.most == 1)
  }

  /// A call that goes on after its function has returned keeps its turn.
  @Test func aTurnLastsUntilTheCallHasEnded() throws {
    let counter = Counter()
    let test = try TestHost([
      ClosureTool("t") {
        $0.concurrency = .serial
      } _: { call in
        counter.enter()
        _ = startThread(named: "later") {
          usleep(500)
          counter.leave()
          call.finish()
        }
      }
    ])
    let recorders = (0..<20).map { _ in Recorder() }
    for recorder in recorders { try test.start("t", recorder: recorder) }
    for recorder in recorders { _ = recorder.wait() }
    #expect(counter.most == 1)
  }

  /// Accepted serial calls run though the pool is full of others meanwhile.
  @Test func anAcceptedSerialCallIsNotDroppedByAFullPool() throws {
    var configuration = ToolThreads.Configuration()
    configuration.toolThreads = 1
    configuration.queuedCalls = 3
    let gate = Gate()
    let test = try TestHost(
      [
        ClosureTool("serial") {
          $0.concurrency = .serial
        } _: { call in
          gate.wait()
          call.finish()
        },
        ClosureTool("t") { $0.finish() },
      ], configuration: configuration)
    let serial = (0..<4).map { _ in Recorder() }
    for recorder in serial { try test.start("serial", recorder: recorder) }
    // One more waits than may.
    let error = #expect(throws: ToolsError.self) {
      try test.start("serial", recorder: Recorder())
    }
    #expect(error?.code == .limitReached)
    var others: [Recorder] = []
    while true {
      let recorder = Recorder()
      guard (try? test.start("t", recorder: recorder)) != nil else { break }
      others.append(recorder)
    }
    gate.open()
    for recorder in serial + others { _ = recorder.wait() }
    #expect(!others.isEmpty)
    test.waitUntilIdle()
  }

  @Test func aQuickToolRunsOnTheCallingThread() throws {
    let thread = Locked<UInt>(0)
    let test = try TestHost([
      ClosureTool("t") {
        $0.execution = .inline
      } _: { call in
        thread.withLock { $0 = UInt(pthread_self()) }
        #expect(!call.mayBlock)
        call.answer(1)
      }
    ])
    let recorder = Recorder()
    try test.start("t", onEventLoop: true, recorder: recorder)
    #expect(recorder.isFinished)
    #expect(thread.withLock { $0 } == UInt(pthread_self()))
  }

  @Test func aToolThatOnlySaysItIsQuickIsMovedToThePool() throws {
    let threads = Locked<[UInt]>([])
    let test = try TestHost([
      ClosureTool("t") {
        $0.execution = .inline
      } _: { call in
        threads.withLock { $0.append(UInt(pthread_self())) }
        usleep(2000)
        call.finish()
      }
    ])
    for _ in 0..<4 { _ = try test.run("t", onEventLoop: true) }
    let own = UInt(pthread_self())
    #expect(threads.withLock { $0.map { $0 == own } } == [true, true, true, false])
  }

  /// Its thread was interrupted now and then.
  @Test func aQuickToolMayBeSlowNowAndThen() {
    let tool = RegisteredTool(
      ClosureTool("t") {
        $0.execution = .inline
      } _: {
        $0.finish()
      },
      generation: ProviderGeneration(TestProvider("p", []), number: 1), queue: nil)
    for _ in 0..<20 {
      #expect(!tool.noteInlineCall(wasQuick: false))
      for _ in 0..<1000 { #expect(!tool.noteInlineCall(wasQuick: true)) }
    }
    #expect(tool.runsInline)
    let moved = (0..<4).map { _ in tool.noteInlineCall(wasQuick: false) }
    #expect(moved == [false, false, true, false])
    for _ in 0..<10_000 { _ = tool.noteInlineCall(wasQuick: true) }
    #expect(!tool.runsInline)
  }

  @Test(arguments: [
    (ToolHost.inlineLimit, true), (ToolHost.inlineLimit + 1, false),
  ])
  func aQuickToolWithMuchToReadRunsElsewhere(bytes: Int, isHere: Bool) throws {
    let thread = Locked<UInt>(0)
    let test = try TestHost([
      ClosureTool("t") {
        $0.execution = .inline
      } _: { call in
        thread.withLock { $0 = UInt(pthread_self()) }
        call.finish()
      }
    ])
    let halves = [bytes / 2, bytes - bytes / 2].map { [UInt8](repeating: 32, count: $0) }
    let recorder = Recorder()
    _ = try test.host.start(
      try test.host.registry.admit("t"),
      ToolCall.Request(
        arguments: Arguments(checked: ["a": .bytes(halves[0]), "b": .json(halves[1], .any)])),
      in: test.session, onEventLoop: true, observer: recorder)
    _ = recorder.wait()
    #expect((thread.withLock { $0 } == UInt(pthread_self())) == isHere)
  }

  /// Notes the thread on which it hears of the end.
  private final class EndObserver: ToolCallObserver {
    let recorder = Recorder()
    let thread = Locked<UInt>(0)

    func emitted(_ chunk: ToolValue) -> Bool { true }
    func progressed(_ fraction: Double, _ message: String) {}
    func finished(_ outcome: ToolOutcome) {
      thread.withLock { $0 = UInt(pthread_self()) }
      recorder.finished(outcome)
    }
  }

  @Test(arguments: [("ok", true), (String(repeating: "a", count: 1000) + "ok", false)])
  func aResultThatTakesLongToCheckIsCheckedOnAThread(text: String, isHere: Bool) throws {
    let output = try OutputDescription(
      type: .value(.string), constraintsJSON: #"{"pattern":"(?<=a)a*[bc]|ok$"}"#)
    let test = try TestHost([
      ClosureTool("t") {
        $0.execution = .inline
        $0.output = output
      } _: { call in
        call.setResult(.value(.string(text), .string))
        call.finish()
      }
    ])
    let observer = EndObserver()
    _ = try test.host.start(
      try test.host.registry.admit("t"), ToolCall.Request(arguments: Arguments(checked: [:])),
      in: test.session, onEventLoop: true, observer: observer)
    #expect(observer.recorder.wait().failure == nil)
    #expect((observer.thread.withLock { $0 } == UInt(pthread_self())) == isHere)
  }

  @Test func aForwardedToolIsOnlyPassedOn() throws {
    let test = try TestHost([
      ClosureTool("t") {
        $0.execution = .forwarded
      } _: { call in
        #expect(!call.mayBlock)
        _ = startThread(named: "elsewhere") { call.answer(5) }
      }
    ])
    #expect(try test.run("t", onEventLoop: true).integer == 5)
  }
}
