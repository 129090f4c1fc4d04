internal import NIOCore

/// A share of a thread's time: what is spent is waited for until it is no more than the share.
///
/// What was left over lately may be spent at once, so that who needs little never waits. Pure.
struct TimeShare {
  /// The share is one part in so many.
  private let parts: Int64
  /// How much may be left over.
  private let burst: TimeAmount
  /// When what was spent will have been waited for.
  private(set) var freeAt: NIODeadline

  init(oneIn parts: Int64, burst: TimeAmount, now: NIODeadline) {
    self.parts = parts
    self.burst = burst
    freeAt = now - burst * parts
  }

  /// Whether something may be spent.
  func isFree(at now: NIODeadline) -> Bool { freeAt <= now }

  /// Takes off what was spent, which may be more than there was.
  mutating func spend(_ time: TimeAmount, until now: NIODeadline) {
    // Counted from the beginning of what was done: it is a part of the time that passes.
    freeAt = max(freeAt, now - time - burst * parts) + time * parts
  }
}
