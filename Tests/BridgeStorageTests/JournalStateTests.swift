import BridgeSessions
import Testing
import Threads

@testable import BridgeStorage

/// The journal's life, without a backend and a thread.
@Suite struct JournalStateTests {
  /// A record of so many bytes, about.
  private func record(_ bytes: Int = 64) -> JournalRecord {
    let count = max(0, (bytes - 512) / 512)
    var image = SessionImage(
      id: "s", epoch: "e", metadata: [:], createdAt: 0, timeToLive: 1, revision: 0, lastOrdinal: 0)
    image.variables = Array(
      repeating: VariableImage(
        name: "a", type: .integer, ordinal: 1, constraints: "", accessControl: "", metadata: [:],
        staleSince: 0, versions: []), count: count)
    return JournalRecord(.began(image), key: 1)
  }

  /// What waiters were told, in order.
  private final class Answers: Sendable {
    let told = Locked<[String]>([])
    func waiter(_ name: String) -> JournalState.Waiter {
      { error in self.told.withLock { $0.append(name + (error == nil ? " stored" : " failed")) } }
    }
    var all: [String] { told.withLock { $0 } }
  }

  /// What is known at once; nil when the waiter hears of it later.
  private func isStored(_ answer: SessionError??) -> Bool? { answer.map { $0 == nil } }

  private func describe(_ step: JournalState.Step) -> String {
    switch step {
    case .wait: "wait"
    case .delay(let milliseconds): "delay \(milliseconds)"
    case .write(let records): "write \(records.count)"
    case .stop: "stop"
    }
  }

  private func expect(
    _ state: inout JournalState, _ steps: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(describe(state.nextStep()) == steps, sourceLocation: sourceLocation)
  }

  private func expectNobody(
    _ waiters: [JournalState.Waiter], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(waiters.isEmpty, sourceLocation: sourceLocation)
  }

  @Test func recordsAreWrittenInGroups() {
    var state = JournalState(groupDelay: 0, backlogLimit: 1 << 20)
    expect(&state, "wait")
    let wakes = [state.append(record()), state.append(record())]
    #expect(wakes == [true, false], "the writer knows of the second")
    expect(&state, "write 2")
    let wakesAgain = state.append(record())
    #expect(wakesAgain)
    expectNobody(state.wrote())
    expect(&state, "write 1")
    _ = state.wrote()
    expect(&state, "wait")
    #expect(state.phase == .open)
  }

  @Test func waitersHearOfWhatTheyWaitFor() {
    var state = JournalState(groupDelay: 0, backlogLimit: 1 << 20)
    let answers = Answers()
    let none = isStored(state.wait(answers.waiter("none")))
    #expect(none == true, "nothing was recorded")
    _ = state.append(record())
    let first = isStored(state.wait(answers.waiter("first")))
    expect(&state, "write 1")
    let again = isStored(state.wait(answers.waiter("first again")))
    _ = state.append(record())
    let second = isStored(state.wait(answers.waiter("second")))
    #expect([first, again, second] == [nil, nil, nil])
    for waiter in state.wrote() { waiter(nil) }
    #expect(answers.all == ["first stored", "first again stored"])
    expect(&state, "write 1")
    for waiter in state.wrote() { waiter(nil) }
    #expect(answers.all.last == "second stored")
  }

  @Test func aGroupWaitsForMoreRecordsWhereItMay() {
    var state = JournalState(groupDelay: 50, backlogLimit: 1 << 20)
    expect(&state, "wait")
    _ = state.append(record())
    expect(&state, "delay 50")
    _ = state.append(record())
    expect(&state, "write 2")
    _ = state.wrote()
    _ = state.append(record())
    expect(&state, "delay 50")
    state.stop()
    expect(&state, "write 1")
  }

  @Test func whatFailsIsTriedAgainAndSaid() {
    var state = JournalState(groupDelay: 50, backlogLimit: 1 << 20)
    let answers = Answers()
    _ = state.append(record())
    _ = state.wait(answers.waiter("first"))
    expect(&state, "delay 50")
    expect(&state, "write 1")
    for waiter in state.failed() { waiter(JournalState.notStored) }
    #expect(answers.all == ["first failed"])
    #expect(state.phase == .failing)
    _ = state.append(record())
    // The same group, not a larger one: it is stored whole or not at all.
    expect(&state, "delay \(JournalState.retryDelay)")
    expect(&state, "write 1")
    expectNobody(state.failed())
    #expect(state.phase == .failing)
    expect(&state, "delay \(JournalState.retryDelay)")
    expect(&state, "write 1")
    expectNobody(state.wrote())
    #expect(state.phase == .open)
    expect(&state, "delay 50")
    expect(&state, "write 1")
    _ = state.wrote()
    #expect(state.isComplete)
  }

  @Test func tooMuchThatWaitsIsRefusedUntilHalfIsStored() {
    var state = JournalState(groupDelay: 0, backlogLimit: 10_000)
    _ = state.append(record(9_000))
    #expect(state.phase == .open)
    expect(&state, "write 1")
    // What is being written counts until it is.
    _ = state.append(record(6_000))
    #expect(state.phase == .behind)
    _ = state.wrote()
    #expect(state.phase == .behind)
    expect(&state, "write 1")
    _ = state.append(record(3_000))
    _ = state.wrote()
    #expect(state.phase == .open)
  }

  @Test func aJournalThatWritesAgainMayBeBehind() {
    var state = JournalState(groupDelay: 0, backlogLimit: 10_000)
    _ = state.append(record())
    expect(&state, "write 1")
    _ = state.failed()
    _ = state.append(record(20_000))
    #expect(state.phase == .failing)
    expect(&state, "delay \(JournalState.retryDelay)")
    expect(&state, "write 1")
    _ = state.wrote()
    #expect(state.phase == .behind)
    expect(&state, "write 1")
    _ = state.wrote()
    #expect(state.phase == .open)
  }

  @Test func whatIsLeftIsWrittenBeforeTheEnd() {
    var state = JournalState(groupDelay: 0, backlogLimit: 1 << 20)
    _ = state.append(record())
    expect(&state, "write 1")
    _ = state.append(record())
    state.stop()
    #expect(state.phase == .stopping)
    _ = state.wrote()
    expect(&state, "write 1")
    _ = state.wrote()
    expect(&state, "stop")
    #expect(state.phase == .stopped)
    #expect(state.isComplete)
    state.stop()
    #expect(state.phase == .stopped)
    expect(&state, "stop")
  }

  @Test func whatCannotBeWrittenAtTheEndIsGivenUp() {
    var state = JournalState(groupDelay: 0, backlogLimit: 1 << 20)
    let answers = Answers()
    _ = state.append(record())
    expect(&state, "write 1")
    _ = state.failed()
    state.stop()
    // Tried once more, at once.
    expect(&state, "write 1")
    _ = state.append(record())
    _ = state.wait(answers.waiter("last"))
    expectNobody(state.failed())
    expect(&state, "write 1")
    for waiter in state.failed() { waiter(JournalState.notStored) }
    #expect(answers.all == ["last failed"])
    expect(&state, "stop")
    #expect(!state.isComplete)
  }

  @Test func nothingIsStoredAfterTheEnd() {
    var state = JournalState(groupDelay: 0, backlogLimit: 1 << 20)
    state.stop()
    expect(&state, "stop")
    let wakes = state.append(record())
    #expect(!wakes)
    let answer = state.wait { _ in }
    #expect(answer??.code == .storageUnavailable)
    #expect(!state.isComplete)
    expect(&state, "stop")
  }

  @Test(arguments: [(0, "write 1"), (1, "delay 1"), (2, "delay 2")])
  func anyDelayIsKept(delay: Int, step: String) {
    var state = JournalState(groupDelay: delay, backlogLimit: 1 << 20)
    _ = state.append(record())
    expect(&state, step)
  }
}
