internal import NIOCore

/// How many frames that carry no request a peer may send: they cost the receiver work, or an answer,
/// for next to nothing.
///
/// What a well-behaved client sends is in proportion to calls and to what it receives; that is free.
/// Two budgets are for the rest. Both hold a burst, and fill with time.
///
/// * Control frames: window updates, pings, settings, priorities, empty DATA, unknown types, frames of
///   streams that are over. Free are `freePerCall` for each call, and `freePerDataFrame` and one a KiB
///   for what we send: libraries return a window update for the stream, one for the connection, and a
///   ping that measures the round trip; some send them with each call, whether or not it is answered.
/// * Resets, the peer's and those it makes us send. A call that is still open when the batch of input
///   it came in has been read earns `freePerOpenCall`: clients cancel calls, time out, leave streams
///   when they have enough, and reset streams that the server ended first. Calls that come and go in
///   one batch ("rapid reset") earn nothing.
///
/// The clock is read only when a budget is empty. Pure.
struct FrameBudget {
  /// What may be left to spend, at most: the burst, and what comes of all calls of a connection at
  /// once.
  private let limit: Int
  private let burst: Int
  private let perSecond: Int
  private var control: Bucket
  private var resets: Bucket

  private static let freePerCall = 3
  private static let freePerDataFrame = 3
  private static let bytesPerFreeFrame = 1024
  private static let freePerOpenCall = 3

  private struct Bucket {
    var left: Int
    var filledAt: NIODeadline
  }

  /// What has happened since the connection began.
  struct Traffic: Equatable {
    var dataFramesSent = 0
    var dataBytesSent = 0
    /// Calls that were open after the batch of input they came in.
    var callsSettled = 0
  }

  /// What was earned already.
  private var seen = Traffic()

  init(burst: Int, perSecond: Int, concurrentStreams: Int, now: NIODeadline) {
    self.burst = burst
    self.perSecond = perSecond
    self.limit = burst + Self.freePerCall * min(concurrentStreams, 1 << 20)
    self.control = Bucket(left: burst, filledAt: now)
    self.resets = Bucket(left: burst, filledAt: now)
  }

  /// A batch of input has calls, and nothing to be taken off a budget.
  @inline(__always)
  mutating func begin(_ calls: Int) {
    control.left = min(limit, control.left + Self.freePerCall * calls)
  }

  /// Takes the frames of a batch of input off the budgets.
  ///
  /// - Parameter sent: What has been sent before the batch.
  /// - Returns: Whether there was enough left.
  mutating func spend(
    _ frames: FrameScanner.Counts, after sent: Traffic, now: () -> NIODeadline
  ) -> Bool {
    begin(frames.newStreams)
    if frames.control <= control.left && frames.resets <= resets.left {
      control.left -= frames.control
      resets.left -= frames.resets
      return true
    }
    earn(sent)
    let now = now()
    return take(frames.control, from: \.control, now) && take(frames.resets, from: \.resets, now)
  }

  /// Takes a reset that the peer made us send off the budget, with what its call had earned.
  ///
  /// - Returns: Whether there was enough left.
  mutating func spendProvokedReset(after sent: Traffic, now: () -> NIODeadline) -> Bool {
    let cost = 1 + Self.freePerOpenCall
    if cost <= resets.left {
      resets.left -= cost
      return true
    }
    earn(sent)
    return take(cost, from: \.resets, now())
  }

  private mutating func earn(_ sent: Traffic) {
    let forData =
      (sent.dataFramesSent - seen.dataFramesSent) * Self.freePerDataFrame
      + (sent.dataBytesSent - seen.dataBytesSent) / Self.bytesPerFreeFrame
    control.left = min(limit, control.left + forData)
    let forCalls = (sent.callsSettled - seen.callsSettled) * Self.freePerOpenCall
    resets.left = min(limit, resets.left + forCalls)
    seen = sent
  }

  private mutating func take(
    _ count: Int, from path: WritableKeyPath<FrameBudget, Bucket>, _ now: NIODeadline
  ) -> Bool {
    var bucket = self[keyPath: path]
    defer { self[keyPath: path] = bucket }
    if count > bucket.left {
      let milliseconds = Int(clamping: (now - bucket.filledAt).nanoseconds / 1_000_000)
      let forTime = min(milliseconds, 3_600_000) * perSecond / 1000
      if forTime > 0 {
        // Time fills no more than the burst.
        bucket.left = max(bucket.left, min(burst, bucket.left + forTime))
        bucket.filledAt = now
      }
    }
    guard count <= bucket.left else {
      bucket.left = 0
      return false
    }
    bucket.left -= count
    return true
  }
}
