import BridgeSessions
import Testing
import Threads

@testable import BridgeTools

@Suite struct ToolCallTests {
  @Test func theResultAndWhatIsBesideItArrive() throws {
    let test = try TestHost([
      ClosureTool("t") { call in
        call.setResult(.value(.integer(7), .integer))
        call.setBinaryResult(Blob([1, 2]))
        call.annotate("k", "v")
        _ = call.progress(.nan, "a")
        _ = call.progress(7, "b")
        call.finish()
        // What comes later counts for nothing.
        call.setResult(.null)
        call.finish()
        call.fail(ToolFailure(code: 13, message: "late", type: "t"))
      }
    ])
    let recorder = Recorder()
    try test.start("t", recorder: recorder)
    let outcome = recorder.wait()
    #expect(outcome.integer == 7)
    #expect(outcome.binaryResult?.bytes == [1, 2])
    #expect(outcome.metadata == ["k": "v"])
    #expect(recorder.progress == [0, 1])
  }

  @Test func theFailureThatWasSetCounts() throws {
    let test = try TestHost([
      ClosureTool("own") { call in
        call.setFailure(ToolFailure(code: 9, message: "own", type: "t", isRetryable: true))
        call.fail(ToolFailure(code: 13, message: "other", type: "t"))
      },
      ClosureTool("other") { $0.fail(ToolFailure(code: 13, message: "other", type: "t")) },
    ])
    #expect(try test.run("own").failure?.message == "own")
    #expect(try test.run("other").failure?.message == "other")
  }

  @Test func aSleepEndsAtTheDeadlineAndAtACancellation() throws {
    let test = try TestHost([
      ClosureTool("sleep") { call in
        let reason = call.sleep(nanoseconds: .max)
        call.fail(ToolFailure(reason ?? .cancelled, tool: "sleep"))
      }
    ])
    let late = Recorder()
    try test.start("sleep", deadline: MonotonicClock.now + 20_000_000, recorder: late)
    #expect(late.wait().failure?.code == 4)
    let cancelled = Recorder()
    try test.start("sleep", recorder: cancelled).cancel(.cancelled)
    #expect(cancelled.wait().failure?.code == 1)
  }

  @Test func aCallWhoseDeadlineHasPassedDoesNotRun() throws {
    let ran = Locked(false)
    let test = try TestHost([
      ClosureTool("t") { call in
        ran.withLock { $0 = true }
        call.finish()
      }
    ])
    let recorder = Recorder()
    try test.start("t", deadline: MonotonicClock.now - 1, recorder: recorder)
    #expect(recorder.wait().failure?.code == 4)
    #expect(!ran.withLock { $0 })
  }

  @Test func listenersAreToldOnceAndNotWhenTheyWereRemoved() throws {
    let told = Locked<[String]>([])
    let gate = Gate()
    let test = try TestHost([
      ClosureTool("t") { call in
        _ = call.onCancel { _ in told.withLock { $0.append("first") } }
        let removed = call.onCancel { _ in told.withLock { $0.append("removed") } }
        call.removeListener(removed)
        gate.open()
        _ = call.sleep(nanoseconds: .max)
        // Too late: told at once.
        let late = Gate()
        let number = call.onCancel { reason in
          told.withLock { $0.append("late \(reason)") }
          late.open()
        }
        #expect(number == nil)
        late.wait()
        call.finish()
      }
    ])
    let recorder = Recorder()
    let call = try test.start("t", recorder: recorder)
    gate.wait()
    call.cancel(.cancelled)
    call.cancel(.deadlineExceeded)
    _ = recorder.wait()
    let all = told.withLock { $0 }
    #expect(Set(all) == ["first", "late cancelled"])
    #expect(all.count == 2)
  }

  @Test func aFullStreamWaitsForRoom() throws {
    let isFull = Gate()
    let test = try TestHost([
      ClosureTool("t") { call in
        #expect(call.emit(.value(.integer(1), .integer)) == .taken)
        #expect(call.emit(.value(.integer(2), .integer)) == .full)
        isFull.open()
        #expect(call.waitForRoom() == nil)
        #expect(call.emit(.value(.integer(2), .integer)) == .taken)
        call.finish()
      }
    ])
    let recorder = Recorder(hasRoom: false)
    let call = try test.start("t", isStreaming: true, recorder: recorder)
    isFull.wait()
    call.roomIsAvailable()
    _ = recorder.wait()
    #expect(recorder.chunks == [.value(.integer(1), .integer), .value(.integer(2), .integer)])
  }

  @Test func donatedMemoryIsGivenBackOnce() {
    let released = Locked(0)
    do {
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 3, alignment: 1)
      memory.copyBytes(from: [1, 2, 3])
      nonisolated(unsafe) let donated = memory
      let blob = Blob(donated: UnsafeRawBufferPointer(memory)) {
        donated.deallocate()
        released.withLock { $0 += 1 }
      }
      #expect(blob.count == 3)
      #expect(blob.bytes == [1, 2, 3])
      #expect(released.withLock { $0 } == 0)
    }
    #expect(released.withLock { $0 } == 1)
  }
}
