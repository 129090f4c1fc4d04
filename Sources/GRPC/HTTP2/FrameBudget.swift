internal import NIOCore

/// How many frames that carry no request a peer may send: pings, settings, window updates,
/// priorities, empty DATA, and resets, its own and those it makes us send.
///
/// All of these cost the receiver work, or an answer, for next to nothing. The budget is a bucket
/// that fills with time and with what we send, for which window updates and round-trip pings are
/// due. The clock is read only when the bucket is empty.
struct FrameBudget {
  private let burst: Int
  private let perSecond: Int
  private var left: Int
  private var filledAt: NIODeadline
  private var sentThen = 0

  /// Frames a peer may answer each of our DATA frames with: a window update for the stream, one
  /// for the connection, and a ping that measures the round trip.
  private static let perDataFrame = 3

  init(burst: Int, perSecond: Int, now: NIODeadline) {
    self.burst = burst
    self.perSecond = perSecond
    self.left = burst
    self.filledAt = now
  }

  /// Takes one frame off the budget.
  ///
  /// - Parameter dataFramesSent: How many DATA frames have gone out since the connection began.
  /// - Returns: Whether there was anything left.
  mutating func spend(dataFramesSent: Int, now: () -> NIODeadline) -> Bool {
    if left == 0 { refill(dataFramesSent, now()) }
    if left == 0 { return false }
    left -= 1
    return true
  }

  private mutating func refill(_ dataFramesSent: Int, _ now: NIODeadline) {
    let milliseconds = Int(clamping: (now - filledAt).nanoseconds / 1_000_000)
    let forTime = min(milliseconds, 3_600_000) * perSecond / 1000
    let forData = (dataFramesSent - sentThen) * Self.perDataFrame
    left = min(burst, forTime + forData)
    guard left > 0 else { return }
    filledAt = now
    sentThen = dataFramesSent
  }
}
