import BridgeSessions
import BridgeTools
import Glibc
import Testing
import Threads

@testable import BridgePluginHost

/// Plugins that change the state of their thread: it is put back, and told with the plugin's name.
@Suite struct IntrusionTests {
  private let fixture: Fixture
  private let log = TestLog()
  private let host: TestHost
  private let session: Session

  init() throws {
    host = TestHost(log: log)
    fixture = try Fixture("intrusion.c")
    session = try Plugins.makeSession()
    _ = try host.plugins.load(fixture.path)
  }

  /// What a tool may change of the thread that it runs on.
  private struct State: Equatable {
    let rounding = fegetround()
    let tiny = Self.half(Double.leastNormalMagnitude)
    let locale = uselocale(nil)
    let mask: [Bool]
    let stack: UnsafeMutableRawPointer?

    init() {
      var set = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &set)
      mask = (1..<65).map { sigismember(&set, $0) == 1 }
      var stack = stack_t()
      sigaltstack(nil, &stack)
      self.stack = stack.ss_sp
    }

    /// Not known before it runs: 0 where tiny numbers are flushed.
    @inline(never) private static func half(_ number: Double) -> Double { number / 2 }
  }

  /// Runs a quick tool so many times on this thread, as an event loop does.
  private func runHere(_ tool: String, times: Int = 1) throws -> [ToolOutcome] {
    try (0..<times).map { _ in try host.runHere(tool, session: session) }
  }

  /// On a thread of its own: tests share theirs.
  private func onThread(_ body: @escaping @Sendable () throws -> Void) throws {
    let failure = Locked<(any Error)?>(nil)
    let thread = Thread {
      do { try body() } catch { failure.withLock { $0 = error } }
    }
    thread.join()
    if let error = failure.withLock({ $0 }) { throw error }
  }

  @Test(arguments: [
    ("change_rounding", "floating-point arithmetic"),
    ("flush_to_zero", "floating-point arithmetic"),
    ("block_signals", "the signal mask"), ("move_signal_stack", "the alternate signal stack"),
    ("use_locale", "the locale"),
  ])
  func theThreadIsAsItWasBefore(tool: String, words: String) throws {
    nonisolated(unsafe) let tests = self
    try onThread {
      let before = State()
      for _ in 0..<3 {
        _ = try tests.runHere(tool)
        #expect(State() == before)
      }
    }
    // Once, however often it does it.
    let lines = log.lines.filter { $0.contains(words) }
    #expect(lines.count == 1, "\(log.lines)")
    #expect(lines.first?.contains("in=\(tool)") == true)
    #expect(lines.first?.contains("plugin=intrusion") == true)
  }

  /// What costs system calls is not looked at after every call of a quick tool; what fails is.
  @Test(arguments: ["block_seldom", "fail_seldom"])
  func whatIsChangedSeldomIsPutBack(tool: String) throws {
    nonisolated(unsafe) let tests = self
    try onThread {
      let before = State()
      if tool == "fail_seldom" {
        _ = try tests.runHere(tool, times: 100)
        #expect(State() == before)
      } else {
        _ = try tests.runHere(tool, times: 200)
        // The 200th has changed it again, but the plugin is known by now.
        #expect(State() == before)
      }
    }
    #expect(log.lines.filter { $0.contains("the signal mask") }.count == 1)
  }
}
