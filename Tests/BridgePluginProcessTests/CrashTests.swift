import BridgeSessions
import BridgeTools
import Glibc
import JSON
import Testing
import Threads

@testable import BridgePluginProcess

/// What a plugin in a process of its own does to that process stays there.
extension TestPluginSuites {
  @Suite struct CrashTests {
    private let log = TestLog()
    private let host: TestHost
    private let fixture: Fixture
    private let session: Session

    init() throws {
      host = TestHost(log: log)
      fixture = try Fixture("misbehaving.c", as: "misbehaving")
      session = try Plugins.makeSession()
    }

    @discardableResult
    private func load(
      _ change: (inout ChildPlugin.Configuration) -> Void = { _ in }
    ) throws -> ChildPlugin {
      var configuration = ChildPlugin.Configuration()
      change(&configuration)
      let plugin = try ChildPlugin.load(
        fixture.path, configuration, by: Plugins.runner, logger: host.tools.logger)
      try host.tools.registry.register(plugin)
      return plugin
    }

    private func failure(_ tool: String) throws -> ToolFailure {
      guard case .failure(let failure) = try host.run(tool, session: session).result else {
        Issue.record("\(tool) should fail")
        return ToolFailure(code: 2, message: "", type: "")
      }
      return failure
    }

    /// The plugin serves, and so does the session.
    private func expectService() throws {
      let process = try host.result("fine", session: session)
      #expect(Int32(process) != nil, "\(process)")
      #expect(Int32(process) != getpid())
      #expect(try session.get("counter").variable.value == .integer(0))
    }

    @Test(arguments: [
      ("segfault", "crashed with SIGSEGV at 0x10 in segfault"),
      ("call_abort", "crashed with SIGABRT"), ("illegal", "crashed with SIGILL"),
      ("divide", "crashed with SIGFPE"), ("overflow_stack", "crashed with SIGSEGV"),
      ("call_exit", "ended itself with exit code 3"),
      ("exit_at_once", "ended itself with exit code 4"),
      ("exec_other", "ended itself with exit code 5"),
      ("close_everything", "misbehaving"), ("write_garbage", "has sent what is no message"),
    ])
    func aCrashIsTheErrorOfItsCall(tool: String, words: String) throws {
      try load()
      try expectService()
      let failure = try failure(tool)
      #expect(failure.code == 14)
      #expect(failure.message.contains(words), "\(failure.message)")
      #expect(failure.message.contains(tool) && failure.message.contains("plugin misbehaving"))
      try expectService()
    }

    @Test func theStackIsTold() throws {
      try load()
      let failure = try failure("segfault")
      let details = try JSON(parsing: failure.details)
      #expect(details["signal"] == .string("SIGSEGV") && details["address"] == .string("0x10"))
      #expect(details["plugin"] == .string("misbehaving"))
      #expect(details["tool"] == .string("segfault"))
      guard case .array(let stack)? = details["backtrace"], case .string(let first)? = stack.first
      else {
        Issue.record("\(failure.details)")
        return
      }
      #expect(first.contains("misbehaving.so touch_what_is_not_there"), "\(failure.details)")
      #expect(log.lines.contains { $0.contains("crashed with SIGSEGV") && $0.contains("segfault") })
    }

    @Test func otherCallsOfTheProcessFailAndNameTheCulprit() throws {
      try load()
      let recorder = Recorder()
      _ = try host.begin("watch_until_cancelled", session: session, recorder: recorder)
      #expect(Fixture.eventually { !recorder.progress.isEmpty })
      _ = try failure("segfault")
      guard case .failure(let failure) = recorder.wait().result else {
        Issue.record("should fail")
        return
      }
      #expect(failure.code == 14)
      #expect(failure.message.contains("in another call, of segfault"), "\(failure.message)")
      #expect(Fixture.eventually { session.statistics.watches == 0 })
    }

    @Test func aCrashInACallbackIsThatOfItsCall() throws {
      try load()
      let recorder = Recorder()
      _ = try host.begin("crash_in_watch", session: session, recorder: recorder)
      #expect(Fixture.eventually { !recorder.progress.isEmpty })
      _ = try session.set(
        "counter", writer: Writer(.elixir)
      ) { _ in Payload(.integer(1)) }
      guard case .failure(let failure) = recorder.wait().result else {
        Issue.record("should fail")
        return
      }
      #expect(failure.message.contains("at 0x20 in crash_in_watch"), "\(failure.message)")
      #expect(session.statistics.watches == 0)
    }

    @Test(arguments: ["loop_for_ever", "lock_twice"])
    func aHangEndsAfterItsGrace(tool: String) throws {
      try load { $0.grace = 100_000_000 }
      let recorder = Recorder()
      let call = try host.begin(tool, session: session, recorder: recorder)
      usleep(20_000)
      #expect(!recorder.isFinished)
      call.cancel(.deadlineExceeded)
      guard case .failure(let failure) = recorder.wait().result else {
        Issue.record("should fail")
        return
      }
      #expect(failure.code == 14 && failure.type == "plugin_killed")
      #expect(failure.message.contains("has not ended 0.1 seconds after"), "\(failure.message)")
      try expectService()
    }

    @Test func whatNoticesItsCancellationIsLeftAlone() throws {
      let plugin = try load { $0.grace = 100_000_000 }
      let recorder = Recorder()
      let call = try host.begin("watch_until_cancelled", session: session, recorder: recorder)
      #expect(Fixture.eventually { !recorder.progress.isEmpty })
      let process = plugin.processes
      call.cancel(.cancelled)
      _ = recorder.wait()
      usleep(200_000)
      #expect(plugin.processes == process && plugin.crashCount == 0)
    }

    @Test func whatKeepsCrashingIsTakenOutOfService() throws {
      let told = Locked<[String]>([])
      let plugin = try load {
        $0.whenQuarantined = { _, reason in told.withLock { $0.append(reason) } }
      }
      for _ in 1..<RestartPolicy.crashLimit { _ = try failure("exit_at_once") }
      #expect(try failure("exit_at_once").code == 14)
      let refusal = try failure("fine")
      #expect(refusal.code == 14 && refusal.type == "plugin_quarantined")
      #expect(refusal.message.contains("exit code 4, the 6th time in a row"), "\(refusal.message)")
      #expect(plugin.processes.isEmpty)
      #expect(
        plugin.service
          == .quarantined("its process ended itself with exit code 4, the 6th time in a row"))
      #expect(Fixture.eventually { told.withLock(\.count) == 1 })
    }

    @Test func callsWaitForTheNextProcess() throws {
      try load()
      let recorders = (0..<50).map { _ in Recorder() }
      _ = try failure("segfault")
      for recorder in recorders {
        _ = try host.begin("fine", session: session, recorder: recorder)
      }
      for recorder in recorders {
        guard case .success = recorder.wait().result else {
          Issue.record("a call that waited for the next process has failed")
          return
        }
      }
    }

    /// As calls that wait for threads of the host are refused: before they begin.
    @Test func callsBeyondThoseThatMayWaitAreRefused() throws {
      try load { ($0.calls, $0.waitingCalls) = (1, 2) }
      let recorders = (0..<3).map { _ in Recorder() }
      let calls = try recorders.map {
        try host.begin("watch_until_cancelled", session: session, recorder: $0)
      }
      let error = #expect(throws: ToolsError.self) { try host.run("fine", session: session) }
      #expect(error?.code == .limitReached && error?.isTransient == true)
      #expect(error?.message.contains("plugin misbehaving") == true)
      for call in calls { call.cancel(.cancelled) }
      for recorder in recorders { _ = recorder.wait() }
      try expectService()
    }

    @Test func memoryIsLimited() throws {
      try load { $0.limits.memory = 400 << 20 }
      let failure = try failure("take_memory")
      #expect(failure.code == 8, "\(failure)")
      // What took all memory is of no use, and may have ended: either way the host goes on.
      #expect(try session.get("counter").variable.value == .integer(0))
    }

    @Test func filesAreLimited() throws {
      try load { $0.limits.openFiles = 40 }
      let count = try #require(Int(try host.result("take_files", session: session)))
      #expect(count > 10 && count < 40)
    }

    @Test func processesLeftBehindEndWithTheirProcess() throws {
      let plugin = try load()
      _ = try failure("leave_and_crash")
      try expectService()
      let left = try #require(
        Int32(try host.result("leave_processes", session: session)))
      #expect(kill(left, 0) == 0)
      host.tools.registry.remove(plugin.id)
      #expect(plugin.waitUntilStopped(until: MonotonicClock.now + 10_000_000_000))
      #expect(Fixture.eventually { kill(left, 0) != 0 })
    }

    @Test(arguments: ["kill_family", "kill_parent"])
    func theProgramThatMakesProcessesComesBack(tool: String) throws {
      try load()
      #expect(try failure(tool).code == 14)
      try expectService()
    }

    @Test func aLateThreadOfACallDoesNoHarm() throws {
      try load()
      #expect(try host.result("write_after_return", session: session) == "1")
      usleep(100_000)
      try expectService()
      #expect(try host.result("leave_watch", session: session) == "10")
      #expect(Fixture.eventually { session.statistics.watches == 0 })
    }

    @Test func largeResultsArriveWhole() throws {
      try load()
      guard
        case .success(.donated(let value)) = try host.run("answer_much", session: session).result
      else {
        Issue.record("should be memory that is not copied")
        return
      }
      #expect(value.memory.count == 64 << 20)
      #expect(value.memory.withUnsafeBytes { $0.last } == UInt8(ascii: "x"))
    }

    @Test(arguments: [
      ("CRASHES", "crashed with SIGSEGV at 0x30"), ("HANGS", "has not started in time"),
    ])
    func whatCrashesWhileItIsLoadedIsRefused(definition: String, words: String) throws {
      let broken = try Fixture("misbehaving.c", [definition: nil], as: "broken")
      var configuration = ChildPlugin.Configuration()
      configuration.startTime = 500_000_000
      let failure = #expect(throws: ToolFailure.self) {
        try ChildPlugin.load(
          broken.path, configuration, by: Plugins.runner, logger: host.tools.logger)
      }
      #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "")")
    }

    @Test func eachCallCanHaveItsOwnProcess() throws {
      try load { $0.isPerCall = true }
      var processes: Set<String> = []
      for _ in 0..<20 { processes.insert(try host.result("fine", session: session)) }
      #expect(processes.count == 20)
      _ = try failure("segfault")
      try expectService()
    }
  }
}
