internal import DequeModule
internal import NIOCore

/// Something that a stranger costs, which is done when its turn comes.
protocol TurnTaker: AnyObject {
  /// Does what waited, if it has not become needless. It may wait for another turn meanwhile.
  func takeTurn()
}

/// Gives clients that have not shown who they are a quarter of an event loop's time, one after another.
///
/// An event loop serves all sockets that have something, and only then those that have something next. So
/// a known client would wait for all strangers in each turn of the loop, however many there are. Here it waits
/// for one of them at most. Belongs to its event loop.
final class StrangerTurns {
  private let eventLoop: any EventLoop
  private let now: () -> NIODeadline
  private var share: TimeShare
  private var waiting: Deque<any TurnTaker> = []
  private var timerIsSet = false
  private var isSpending = false

  /// Strangers get one part in so many of the time.
  static let parts: Int64 = 4
  /// As much of their share may be left over: connections that come now and then never wait.
  static let burst = TimeAmount.milliseconds(4)

  /// - Parameter now: The clock; nil is the loop's.
  init(eventLoop: any EventLoop, now: (() -> NIODeadline)? = nil) {
    let clock = now ?? { eventLoop.now }
    self.eventLoop = eventLoop
    self.now = clock
    share = TimeShare(oneIn: Self.parts, burst: Self.burst, now: clock())
  }

  /// Whether a stranger may be served now: none waits, and there is time for them.
  var isFree: Bool { waiting.isEmpty && share.isFree(at: now()) }

  /// Does something for a stranger and counts the time it takes.
  func spend(_ work: () -> Void) {
    if isSpending { return work() }
    isSpending = true
    let start = now()
    work()
    charge(now() - start)
    isSpending = false
  }

  /// Counts time that was spent until now.
  func charge(_ time: TimeAmount) { share.spend(time, until: now()) }

  /// Has something done later, after all that waits already.
  func wait(_ taker: any TurnTaker) {
    waiting.append(taker)
    setTimer()
  }

  private func setTimer() {
    if timerIsSet || waiting.isEmpty { return }
    timerIsSet = true
    let turns = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.scheduleTask(deadline: share.freeAt) { turns.value.serve() }
  }

  private func serve() {
    timerIsSet = false
    while share.isFree(at: now()), let next = waiting.popFirst() {
      spend { next.takeTurn() }
    }
    setTimer()
  }
}
