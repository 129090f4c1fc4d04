import NIOCore
import Testing

@testable import GRPC

/// A quarter of the time, of which 4 ms may be left over.
@Suite struct TimeShareTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

  private func share() -> TimeShare {
    TimeShare(oneIn: 4, burst: .milliseconds(4), now: start)
  }

  /// Spends for so many milliseconds whenever it may, up to a time: how much was spent.
  private func spend(_ milliseconds: Int64, of share: inout TimeShare, from: Int64, to: Int64)
    -> Int64
  {
    var now = from
    var spent: Int64 = 0
    while now < to {
      if share.isFree(at: start + .milliseconds(now)) {
        now += milliseconds
        spent += milliseconds
        share.spend(.milliseconds(milliseconds), until: start + .milliseconds(now))
      } else {
        now += 1
      }
    }
    return spent
  }

  @Test func whatIsLeftOverMayBeSpentAtOnce() {
    var share = share()
    #expect(share.isFree(at: start))
    // What there was, and the quarter of the time that it takes itself.
    share.spend(.milliseconds(5), until: start + .milliseconds(5))
    #expect(share.isFree(at: start + .milliseconds(5)))
    share.spend(.milliseconds(1), until: start + .milliseconds(6))
    #expect(!share.isFree(at: start + .milliseconds(6)))
    #expect(!share.isFree(at: start + .nanoseconds(7_999_999)))
    #expect(share.isFree(at: start + .milliseconds(8)))
  }

  @Test func inTheLongRunItIsAQuarter() {
    var share = share()
    #expect((250...256).contains(spend(1, of: &share, from: 0, to: 1000)))
    // Also in pieces that are larger than what may be left over.
    var other = self.share()
    #expect((2500...2600).contains(spend(50, of: &other, from: 0, to: 10_000)))
  }

  @Test func noMoreIsLeftOverHoweverLongNothingWasSpent() {
    var share = share()
    _ = spend(1, of: &share, from: 0, to: 1000)
    let hour: Int64 = 3_600_000
    #expect((5...6).contains(spend(1, of: &share, from: hour, to: hour + 7)))
  }

  @Test func whoSpendsLittleNeverWaits() {
    var share = share()
    for time in 0..<10_000 as Range<Int64> {
      let now = start + .milliseconds(time)
      #expect(share.isFree(at: now))
      share.spend(.microseconds(250), until: now + .microseconds(250))
    }
  }
}
