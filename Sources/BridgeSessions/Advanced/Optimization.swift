/// An optimizer's lock on a variable.
public struct Optimization: Sendable {
  /// `opt_` and a random number: names this lock among all there ever were.
  public let id: String
  /// Who holds the lock: the `optimizer_id` it began with.
  public let optimizer: String
  /// Nanoseconds since 1970.
  public let startedAt: Int64
  /// Seconds without a write or renewal of the holder after which the lock is gone.
  public let lease: Int
  /// Coarse monotonic milliseconds.
  private(set) var end: Int64

  /// - Parameters:
  ///   - startedAt: Nanoseconds since 1970.
  ///   - now: Coarse monotonic milliseconds.
  init(id: String, optimizer: String, startedAt: Int64, lease: Int, now: Int64) {
    self.id = id
    self.optimizer = optimizer
    self.startedAt = startedAt
    self.lease = lease
    self.end = now + Int64(lease) * 1000
  }

  /// The end of the lease if it is renewed at a moment, both in coarse monotonic milliseconds.
  func leaseEnd(from now: Int64) -> Int64 { now + Int64(lease) * 1000 }

  /// The same lock until a moment, in coarse monotonic milliseconds.
  func renewed(until end: Int64) -> Optimization {
    var copy = self
    copy.end = end
    return copy
  }

  /// - Parameter now: Coarse monotonic milliseconds.
  func isOver(_ now: Int64) -> Bool { now >= end }

  func isHeld(by writer: Writer) -> Bool {
    writer.metadata["optimization_id"].map(isID) == true
      || isOptimizer(writer.metadata["optimizer_id"] ?? writer.name)
  }

  /// By bytes, as all texts of clients but names.
  func isID(_ text: String) -> Bool { text.utf8.elementsEqual(id.utf8) }

  /// By bytes, as all texts of clients but names.
  func isOptimizer(_ text: String) -> Bool { text.utf8.elementsEqual(optimizer.utf8) }
}
