/// How many handlers of a connection may run at once, so that what they answer stays within the limit
/// for unread responses.
///
/// Nobody knows how long a response will be. What handlers of this connection answered lately is taken
/// for an estimate, and until the first has answered only a few begin. As handlers may wait for one
/// another, it is no hard limit: while none ends, some more begin now and then (`allowMore`). Pure.
///
/// A response takes more than its size while it is made: there is what it is made of, and what it is
/// encoded to before it is whole.
struct HandlerAllowance {
  /// Handlers that have their request and have not answered.
  private(set) var running = 0
  /// Those of them that make their response: they wait for nobody.
  private var answering = 0
  /// The largest response of late, in bytes; nil before the first.
  private var estimate: Int?
  /// Handlers that may begin beyond what the estimate allows.
  private var extra = HandlerAllowance.first

  /// How many begin unseen.
  static let first = 4
  /// How many begin beyond the estimate where responses are short.
  static let step = 16
  /// From so many bytes on a response is long.
  private static let long = 64 * 1024
  /// How often the bytes of a response are held while it is made.
  static let copies = 3

  /// Whether another handler may begin.
  ///
  /// - Parameters:
  ///   - queued: Bytes of responses that wait.
  ///   - limit: What may wait.
  func mayBegin(queued: Int, limit: Int) -> Bool {
    guard queued < limit else { return false }
    if running < extra { return true }
    guard let estimate else { return false }
    return queued + (running + 1) * Self.copies * estimate <= limit
  }

  mutating func begin() { running += 1 }

  /// A handler has ended its call, with or without a response.
  ///
  /// - Parameter wasAnswering: Whether `beginAnswer` was called for it.
  mutating func end(wasAnswering: Bool = false) {
    precondition(running > 0, "a handler ends once")
    running -= 1
    if wasAnswering { answering -= 1 }
  }

  /// A handler begins to make a response of about so many bytes.
  mutating func beginAnswer(_ bytes: Int) {
    answering += 1
    answered(bytes)
  }

  /// A handler has answered so many bytes. Large ones are remembered for some dozens of others.
  mutating func answered(_ bytes: Int) {
    let old = estimate ?? 0
    estimate = max(bytes, old - old / 16)
    // From now on the estimate counts, but for a few.
    extra = bytes > Self.long ? 1 : max(extra, Self.step)
  }

  /// None has ended for a while, and some wait to begin: as many again as run, or one more where
  /// responses are long.
  mutating func allowMore() {
    if answering > 0 { return }
    let isLong = (estimate ?? 0) > Self.long
    extra = max(extra, running) + (isLong ? 1 : max(running, Self.first))
  }
}
