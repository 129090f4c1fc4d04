/// An optimizer's lock on a variable.
public struct Optimization: Sendable {
  public let id: String
  public let optimizer: String
  /// Nanoseconds since 1970.
  public let startedAt: Int64
  /// Seconds without a write or renewal of the holder after which the lock is gone.
  public let lease: Int
  /// Coarse monotonic milliseconds.
  private var end: Int64

  init(id: String, optimizer: String, lease: Int) {
    self.id = id
    self.optimizer = optimizer
    self.startedAt = Clock.wall
    self.lease = lease
    self.end = Clock.coarseMilliseconds + Int64(lease) * 1000
  }

  func renewed() -> Optimization {
    var copy = self
    copy.end = Clock.coarseMilliseconds + Int64(lease) * 1000
    return copy
  }

  /// - Parameter now: Coarse monotonic milliseconds.
  func isOver(_ now: Int64) -> Bool { now >= end }

  func isHeld(by writer: Writer) -> Bool {
    writer.metadata["optimization_id"] == id
      || (writer.metadata["optimizer_id"] ?? writer.name) == optimizer
  }
}
