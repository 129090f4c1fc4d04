import BridgeSessions
import BridgeTools
import Testing
import Threads

@testable import BridgePluginHost

/// Code of plugins that throws, or ends its thread: an error of the call, or a line in the log.
@Suite struct UnwindingTests {
  private let fixture: Fixture
  private let log = TestLog()
  private let host: TestHost
  private let session: Session

  init() throws {
    var configuration = ToolThreads.Configuration()
    configuration.toolThreads = 4
    host = TestHost(log: log, configuration: configuration)
    fixture = try Fixture("unwinding.cpp")
    session = try Plugins.makeSession()
    _ = try host.plugins.load(fixture.path)
  }

  private func failure(_ tool: String) throws -> ToolFailure? {
    if case .failure(let failure) = try host.run(tool, session: session).result {
      failure
    } else {
      nil
    }
  }

  @Test(arguments: [
    ("throw_standard", "std::runtime_error: the oracle fell asleep"), ("throw_integer", "int"),
    ("throw_foreign", "an exception of another language"),
    ("throw_across", "std::runtime_error: as the tool within"),
  ])
  func anExceptionIsAnErrorOfItsCall(tool: String, words: String) throws {
    for _ in 0..<3 {
      let failure = try #require(try failure(tool))
      #expect(failure.code == 13 && failure.type == "plugin_exception")
      #expect(failure.message == "an exception left \(tool): \(words)")
    }
  }

  @Test func whatIsOnTheStackIsDestroyed() throws {
    let before = try host.result("count_destroyed", session: session)
    _ = try failure("throw_standard")
    _ = try failure("end_thread")
    _ = try failure("cancel_thread")
    let after = try host.result("count_destroyed", session: session)
    #expect(Int(before)! + 3 <= Int(after)!)
  }

  @Test func anExceptionDoesNotGoThroughTheHost() throws {
    #expect(try host.result("throw_within", session: session) == "3")
    #expect(try host.result("catch_own", session: session) == "7")
  }

  @Test func whatAnAtomicToolWroteIsDropped() throws {
    let revision = session.revision
    #expect(try failure("throw_atomic")?.type == "plugin_exception")
    #expect(session.revision == revision)
    #expect(try session.get("counter").variable.value == .integer(0))
  }

  @Test func exceptionsOfCallbacksAreLogged() throws {
    try session.register(
      name: "second", type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
    #expect(Int(try host.result("watch_and_throw", session: session))! >= 2)
    let outcome = try cancelled("cancel_and_throw")
    if case .success(.value(.integer(let told), _)) = outcome.result {
      #expect(told == 1)
    } else {
      Issue.record("\(outcome)")
    }
    // What releases memory has nobody to tell.
    #expect(try host.result("give_and_throw", session: session) == "1")
    for words in ["from on_change", "from on_cancel"] {
      #expect(
        Fixture.eventually {
          log.lines.contains { $0.contains(words) && $0.contains("unwinding") }
        },
        "\(words)")
    }
  }

  private func cancelled(_ tool: String) throws -> ToolOutcome {
    let recorder = Recorder()
    let call = try host.begin(tool, session: session, recorder: recorder)
    while recorder.progress.isEmpty && !recorder.isFinished {}
    call.cancel(.cancelled)
    return recorder.wait()
  }

  /// More often than there are threads: each that is lost is replaced.
  @Test(arguments: ["end_thread", "cancel_thread"])
  func anEndedThreadIsReplaced(_ tool: String) throws {
    for _ in 0..<10 {
      let failure = try #require(try failure(tool))
      #expect(failure.code == 13 && failure.type == "plugin_error")
      #expect(failure.message == "\(tool) ended the host's thread that it ran on")
    }
    #expect(try host.result("catch_own", session: session) == "7")
  }

  /// As an ended thread; more often than there are threads.
  @Test(arguments: ["exit", "_exit", "_Exit", "quick_exit"])
  func aToolDoesNotEndTheHost(_ function: String) throws {
    let tool = "call_\(function)"
    for _ in 0..<6 {
      let failure = try #require(try failure(tool))
      #expect(failure.code == 13 && failure.type == "plugin_error")
      #expect(failure.message == "\(tool) called \(function), which is not to end the host")
    }
    #expect(
      try failure("end_thread")?.message == "end_thread ended the host's thread that it ran on")
    #expect(try host.result("catch_own", session: session) == "7")
  }

  @Test func aQuickToolDoesNotEndTheHostNorItsEventLoop() throws {
    for _ in 0..<5 {
      guard
        case .failure(let failure) = try host.runHere("call_exit_quickly", session: session).result
      else {
        Issue.record("it succeeds")
        return
      }
      #expect(failure.message == "call_exit_quickly called exit, which is not to end the host")
    }
    guard case .failure(let failure) = try host.runHere("throw_quickly", session: session).result
    else {
      Issue.record("it succeeds")
      return
    }
    #expect(failure.message == "an exception left throw_quickly: int")
  }

  @Test func aCallbackDoesNotEndTheHost() throws {
    try session.register(
      name: "second", type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
    #expect(Int(try host.result("call_exit_when_told", session: session))! >= 1)
    #expect(Fixture.eventually { log.lines.contains { $0.contains("a call of exit") } })
  }

  @Test func aChildEndsAsItLikes() throws {
    #expect(try host.result("exit_child", session: session) == "42")
  }

  /// An event loop that is to end goes on: everything else that it serves would stand still.
  @Test(arguments: [("end_loop", 5), ("cancel_loop", 1)])
  func anEventLoopDoesNotEnd(_ tool: String, times: Int) throws {
    let ended = Locked(0)
    // On a thread of its own, and joined: it ends as threads do.
    let thread = Thread { [host, session] in
      for _ in 0..<times {
        let outcome = try? host.runHere(tool, session: session)
        guard case .failure(let failure) = outcome?.result else { return }
        #expect(failure.code == 13 && failure.type == "plugin_error")
        #expect(failure.message == "\(tool) ended the host's thread that it ran on")
        // Exceptions are as they were.
        let after = try? host.runHere("throw_quickly", session: session)
        guard case .failure(let failure) = after?.result else { return }
        #expect(failure.message == "an exception left throw_quickly: int")
        ended.withLock { $0 += 1 }
      }
    }
    thread.join()
    #expect(ended.withLock { $0 } == times)
  }

  /// The loader is not left locked.
  @Test func afterAConstructorThatThrowsOthersAreLoaded() throws {
    let fixture = try Fixture("unwinding.cpp", ["CONSTRUCTOR": nil])
    let error = #expect(throws: PluginError.self) { try TestHost().plugins.load(fixture.path) }
    #expect(
      error?.description.contains("from a constructor") == true, "\(error?.description ?? "")")
    let other = try Fixture("unwinding.cpp")
    let names = Locked<[String]?>(nil)
    let thread = Thread { [path = other.path] in
      let loaded = try? TestHost().plugins.load(path)
      names.withLock { $0 = loaded }
    }
    thread.join()
    #expect(names.withLock { $0?.contains("catch_own") } == true)
  }

  @Test(arguments: [("ENTRY", "from the entry"), ("INIT", "from init")])
  func whatThrowsAtItsStartIsNotLoaded(what: String, words: String) throws {
    let fixture = try Fixture("unwinding.cpp", [what: nil])
    let error = #expect(throws: PluginError.self) { try TestHost().plugins.load(fixture.path) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test func whatThrowsAtItsEndIsLogged() throws {
    let log = TestLog()
    let host = TestHost(log: log)
    let fixture = try Fixture("unwinding.cpp", ["DEINIT": nil])
    _ = try host.plugins.load(fixture.path)
    #expect(host.plugins.unload(fixture.path))
    #expect(Fixture.eventually { log.lines.contains { $0.contains("from deinit") } })
  }
}
