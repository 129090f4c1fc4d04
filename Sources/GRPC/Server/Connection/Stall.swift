internal import NIOCore

/// Since when something waits without any of it moving.
struct Stall {
  private var since: NIODeadline?
  private var progress = 0

  /// - Parameter progress: A number that changes when something moves.
  /// - Returns: When it stopped, or nil when it moves or nothing waits.
  mutating func observe(_ isWaiting: Bool, _ progress: Int, _ now: NIODeadline) -> NIODeadline? {
    if !isWaiting {
      since = nil
    } else if since == nil || progress != self.progress {
      since = now
    }
    self.progress = progress
    return since
  }
}
