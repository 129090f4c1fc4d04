import Glibc
import Testing

@testable import BridgeHost

/// What the first signal does; each in a process of its own.
@Suite struct SignalWaiterTests {
  @Test func aSignalThatIsNotExpectedEndsTheProcess() async {
    await #expect(processExitsWith: .exitCode(0)) {
      SignalWaiter().take(SIGTERM)
      _exit(7)
    }
  }

  /// It may come before somebody waits.
  @Test(arguments: [SIGTERM, SIGINT])
  func anExpectedSignalIsKept(number: CInt) async {
    await #expect(processExitsWith: .exitCode(7)) { [number] in
      let signals = SignalWaiter()
      signals.expect()
      signals.take(number)
      _exit(signals.wait() == (number == SIGTERM ? "SIGTERM" : "SIGINT") ? 7 : 8)
    }
  }
}
