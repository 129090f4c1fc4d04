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
/// * Resets, the peer's and those it makes us send. A call earns `freePerOpenCall` when its request
///   was complete and went to its handler, or when it is still open after the batch of input it came
///   in: clients cancel calls, time out, leave streams when they have enough, and reset streams that
///   the server ended first. A call that was served costs what it costs without the reset, and a
///   handler that goes on counts as an open call, so such resets need no bound of their own. Calls
///   that come and go in one batch and ask for nothing ("rapid reset") earn nothing.
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
    /// Calls that were served, or open after the batch of input they came in.
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

  /// Takes the control frames of a batch of input off their budget, before the batch is read.
  ///
  /// - Parameter traffic: What has happened before the batch.
  /// - Returns: Whether there was enough left.
  mutating func spend(
    _ frames: FrameScanner.Counts, after traffic: Traffic, now: () -> NIODeadline
  ) -> Bool {
    begin(frames.newStreams)
    if frames.control <= control.left {
      control.left -= frames.control
      return true
    }
    earn(traffic)
    return take(frames.control, from: \.control, now())
  }

  /// Takes the resets of a batch of input off their budget, after the batch was read: only then is it
  /// known which calls were served.
  ///
  /// - Parameter traffic: What has happened, the batch included.
  /// - Returns: Whether there was enough left.
  mutating func spendResets(_ count: Int, after traffic: Traffic, now: () -> NIODeadline) -> Bool {
    if count <= resets.left {
      resets.left -= count
      return true
    }
    earn(traffic)
    return take(count, from: \.resets, now())
  }

  /// Takes a reset that the peer made us send off the budget, with what its call had earned.
  ///
  /// - Returns: Whether there was enough left.
  mutating func spendProvokedReset(after traffic: Traffic, now: () -> NIODeadline) -> Bool {
    spendResets(1 + Self.freePerOpenCall, after: traffic, now: now)
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
