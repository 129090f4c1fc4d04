import Testing
import Threads

@testable import BridgePluginHost

@Suite struct CallbackGateTests {
  @Test func oneThatWouldCloseACircleDoesNotWait() {
    let runs = (0..<4).map { _ in CallbackRun() }
    for index in 0..<3 { #expect(runs[index].beginWaiting(for: runs[index + 1])) }
    #expect(!runs[3].beginWaiting(for: runs[0]))
    #expect(!runs[3].beginWaiting(for: runs[2]))
    #expect(!runs[3].beginWaiting(for: runs[3]))
    // Whoever stops waiting opens the circle.
    runs[1].endWaiting()
    #expect(runs[3].beginWaiting(for: runs[0]))
    #expect(!runs[1].beginWaiting(for: runs[2]))
    for run in runs { run.endWaiting() }
  }

  @Test func aClosedGateLetsNobodyIn() {
    let gate = CallbackGate()
    #expect(gate.enter())
    #expect(gate.isOccupied)
    #expect(CallbackRun.current != nil)
    // From inside it does not wait.
    gate.close()
    #expect(!gate.enter())
    gate.leave()
    #expect(!gate.isOccupied)
    #expect(CallbackRun.current == nil)
    #expect(!gate.isOpen)
  }

  @Test func whoIsOutsideWaits() {
    for _ in 0..<2000 {
      let gate = CallbackGate()
      let inside = Locked(0)
      let thread = Thread {
        guard gate.enter() else { return }
        inside.withLock { $0 = 1 }
        inside.withLock { $0 = 0 }
        gate.leave()
      }
      gate.close()
      #expect(inside.withLock { $0 } == 0)
      #expect(!gate.isOccupied)
      thread.join()
    }
  }
}
