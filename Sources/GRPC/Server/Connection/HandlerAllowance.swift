/// How many handlers of a connection may run at once, so that what they answer stays within the limit
/// for unread responses.
///
/// Nobody knows how long a response will be. What handlers of this connection answered lately is taken
/// for an estimate, and until the first has answered only a few begin. As handlers may wait for one
/// another, it is no hard limit: while none ends, some more begin now and then (`allowMore`). Pure.
struct HandlerAllowance {
  /// Handlers that have their request and have not answered.
  private(set) var running = 0
  /// The largest response of late, in bytes; nil before the first.
  private var estimate: Int?
  /// Handlers that may begin beyond what the estimate allows.
  private var extra = HandlerAllowance.step

  /// How many begin unseen, and then each time when none ends for a while.
  static let step = 16

  /// Whether another handler may begin.
  ///
  /// - Parameters:
  ///   - queued: Bytes of responses that wait.
  ///   - limit: What may wait.
  func mayBegin(queued: Int, limit: Int) -> Bool {
    guard queued < limit else { return false }
    if running < extra { return true }
    guard let estimate else { return false }
    return queued + (running + 1) * estimate <= limit
  }

  mutating func begin() { running += 1 }

  /// A handler has ended its call, with or without a response.
  mutating func end() {
    precondition(running > 0, "a handler ends once")
    running -= 1
  }

  /// A handler has answered so many bytes. Large ones are remembered for some dozens of others.
  mutating func answered(_ bytes: Int) {
    let old = estimate ?? 0
    estimate = max(bytes, old - old / 16)
    // From now on the estimate counts, but for a few.
    extra = bytes > 64 * 1024 ? 1 : max(extra, Self.step)
  }

  /// None has ended for a while, and some wait to begin.
  mutating func allowMore() { extra = max(extra, running) + Self.step }
}
