import NIOCore
import NIOEmbedded
import Testing

@testable import GRPC

/// An event loop whose strangers take turns, by a clock of its own.
final class TestTurns {
  let loop = EmbeddedEventLoop()
  private(set) var turns: StrangerTurns!
  /// How far work has put the clock ahead of the loop.
  private var ahead = TimeAmount.zero

  init() {
    // Its clock begins at zero, and nothing is before that.
    loop.advanceTime(by: .hours(1))
    turns = StrangerTurns(eventLoop: loop) { [unowned self] in loop.now + ahead }
  }

  /// What work does that takes so long.
  func take(_ time: TimeAmount) { ahead = ahead + time }

  /// Time passes, with what work has taken.
  func pass(_ time: TimeAmount = .zero) {
    let all = ahead + time
    ahead = .zero
    loop.advanceTime(by: all)
  }

  /// Spends more than there is: until `pass` was called with this time, strangers wait.
  func exhaust() -> TimeAmount {
    turns.spend { take(StrangerTurns.burst * 4) }
    pass()
    // Four times as long, of which one part has passed, and what was left over was four parts.
    return StrangerTurns.burst * 8
  }
}

@Suite struct StrangerTurnsTests {
  private let test = TestTurns()
  private var turns: StrangerTurns { test.turns }

  private final class Taker: TurnTaker {
    let turn: () -> Void
    init(_ turn: @escaping () -> Void) { self.turn = turn }
    func takeTurn() { turn() }
  }

  @Test func atFirstNobodyWaits() {
    #expect(turns.isFree)
    turns.spend { test.take(.milliseconds(1)) }
    #expect(turns.isFree)
  }

  @Test func afterTooMuchEverybodyWaits() {
    let wait = test.exhaust()
    #expect(!turns.isFree)
    test.pass(wait - .nanoseconds(1))
    #expect(!turns.isFree)
    test.pass(.nanoseconds(1))
    #expect(turns.isFree)
  }

  /// Each that takes long has the next wait for three times as long.
  @Test func oneAfterTheOtherInOrder() {
    let wait = test.exhaust()
    var done: [Int] = []
    let takers = (1...3).map { number in
      Taker {
        done.append(number)
        test.take(.milliseconds(1))
      }
    }
    takers.forEach { turns.wait($0) }
    test.pass(wait - .nanoseconds(1))
    #expect(done == [])
    test.pass(.nanoseconds(1))
    #expect(done == [1])
    test.pass(.milliseconds(3) - .nanoseconds(1))
    #expect(done == [1])
    // What has come meanwhile is behind them, though there is time.
    test.pass(.nanoseconds(1))
    #expect(done == [1, 2])
    #expect(!turns.isFree)
    test.pass(.milliseconds(3))
    #expect(done == [1, 2, 3])
    test.pass(.milliseconds(3))
    #expect(turns.isFree)
  }

  @Test func aTurnMayAskForAnother() {
    let wait = test.exhaust()
    var done: [String] = []
    let other = Taker { done.append("other") }
    var first: Taker?
    first = Taker { [turns] in
      done.append("first")
      if done.count < 3 { turns.wait(first!) }
    }
    turns.wait(first!)
    turns.wait(other)
    test.pass(wait)
    #expect(done == ["first", "other", "first"])
    first = nil
  }

  /// Work within work is counted once.
  @Test func timeIsCountedOnce() {
    let whole = StrangerTurns.burst * 4
    turns.spend { turns.spend { turns.spend { test.take(whole) } } }
    test.pass()
    test.pass(StrangerTurns.burst * 8)
    #expect(turns.isFree)
  }
}
