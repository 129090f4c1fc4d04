import NIOCore
import NIOEmbedded
import Testing

@testable import GRPC

/// When a client pings a silent server, and when it gives it up, to the millisecond.
@Suite struct KeepaliveTimerTests {
  private final class Events {
    /// In milliseconds.
    var pings: [Int64] = []
    var expired: [Int64] = []
  }

  private let loop = EmbeddedEventLoop()
  private let start: NIODeadline
  private let events = Events()
  private let timer: KeepaliveTimer

  /// Pings after ten seconds, and gives up after two more.
  init() { self.init(permitsWithoutCalls: false) }

  private init(permitsWithoutCalls: Bool) {
    let loop = loop
    let events = events
    let start = loop.now
    self.start = start
    let now = { (loop.now - start).nanoseconds / 1_000_000 }
    timer = KeepaliveTimer(
      ClientConfiguration.Keepalive(
        time: .seconds(10), timeout: .seconds(2), permitsWithoutCalls: permitsWithoutCalls),
      eventLoop: loop, ping: { events.pings.append(now()) },
      expired: { events.expired.append(now()) })
  }

  private func advance(to milliseconds: Int64) {
    loop.advanceTime(to: start + .milliseconds(milliseconds))
  }

  @Test func aSilentServerIsPingedAndThenGivenUp() {
    timer.callsChanged(count: 1)
    advance(to: 9999)
    #expect(events.pings == [])
    advance(to: 10_000)
    #expect(events.pings == [10_000])
    advance(to: 11_999)
    #expect(events.expired == [])
    advance(to: 60_000)
    #expect(events.expired == [12_000] && events.pings == [10_000])
  }

  @Test func whateverIsHeardPutsItOff() {
    timer.callsChanged(count: 1)
    advance(to: 4000)
    timer.heard()
    advance(to: 13_999)
    #expect(events.pings == [])
    advance(to: 14_000)
    #expect(events.pings == [14_000])
    // The answer.
    advance(to: 15_500)
    timer.heard()
    advance(to: 25_499)
    #expect(events.pings == [14_000] && events.expired == [])
    advance(to: 30_000)
    #expect(events.pings == [14_000, 25_500] && events.expired == [27_500])
  }

  @Test func withoutCallsThereAreNoPings() {
    advance(to: 30_000)
    #expect(events.pings == [])
    timer.callsChanged(count: 1)
    // One more call does not begin it anew.
    advance(to: 35_000)
    timer.callsChanged(count: 2)
    advance(to: 39_000)
    timer.callsChanged(count: 0)
    advance(to: 90_000)
    #expect(events.pings == [])
    // The time begins with the next call.
    timer.callsChanged(count: 1)
    advance(to: 99_999)
    #expect(events.pings == [])
    advance(to: 100_000)
    #expect(events.pings == [100_000])
    // A ping whose calls have ended is waited for by nobody.
    timer.callsChanged(count: 0)
    advance(to: 101_000)
    timer.callsChanged(count: 1)
    advance(to: 110_999)
    #expect(events.expired == [] && events.pings == [100_000])
    advance(to: 111_000)
    #expect(events.pings == [100_000, 111_000])
  }

  @Test func withPermissionThereArePingsWithoutCalls() {
    let other = KeepaliveTimerTests(permitsWithoutCalls: true)
    other.timer.callsChanged(count: 0)
    other.advance(to: 10_000)
    #expect(other.events.pings == [10_000])
    other.timer.heard()
    other.timer.callsChanged(count: 1)
    other.timer.callsChanged(count: 0)
    other.advance(to: 20_000)
    #expect(other.events.pings == [10_000, 20_000])
  }

  @Test func afterTheEndNothingHappens() {
    timer.callsChanged(count: 1)
    advance(to: 10_000)
    timer.stop()
    advance(to: 90_000)
    #expect(events.pings == [10_000] && events.expired == [])
  }
}
