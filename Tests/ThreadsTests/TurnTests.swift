import Testing

@testable import Threads

@Suite struct TurnTests {
  private final class Counter: Turn.Work {
    var count = 0
    var atEnd: (() -> Void)?

    func turnEnds() {
      count += 1
      atEnd?()
    }
  }

  @Test func withoutATurnWorkIsDoneAtOnce() {
    let counter = Counter()
    Turn.putOff(counter)
    Turn.putOff(counter)
    #expect(counter.count == 2)
  }

  @Test func workIsDoneOnceAtTheEndOfTheOuterTurn() {
    let first = Counter()
    let second = Counter()
    Turn.run {
      Turn.run {
        Turn.putOff(first)
        Turn.putOff(second)
        Turn.putOff(first)
      }
      #expect(first.count == 0 && second.count == 0)
    }
    #expect(first.count == 1 && second.count == 1)
    Turn.run {}
    #expect(first.count == 1)
  }

  @Test func whatTheEndPutsOffIsDoneAtOnce() {
    let first = Counter()
    let second = Counter()
    first.atEnd = { Turn.putOff(second) }
    Turn.run { Turn.putOff(first) }
    #expect(first.count == 1 && second.count == 1)
  }

  @Test func anErrorEndsTheTurn() {
    struct Fault: Error {}
    let counter = Counter()
    #expect(throws: Fault.self) {
      try Turn.run { () throws(Fault) in
        Turn.putOff(counter)
        throw Fault()
      }
    }
    #expect(counter.count == 1)
  }
}
