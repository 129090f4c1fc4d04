internal import Synchronization

/// How many bytes of a call `ServerCall.send` has accepted and the connection has not written yet,
/// and whether the producer waits for there to be fewer. `[any thread]`
struct SendQuota: ~Copyable {
  /// Above so many waiting bytes a producer is told to wait; below half of it, that it may go on.
  static let limit = 256 * 1024

  private let waiting = Atomic<Int>(0)
  private let hasWaitingProducer = Atomic<Bool>(false)

  /// Counts bytes that are to be sent. The producer's side calls this, then hands them over, then
  /// asks `hasRoom`.
  ///
  /// - Returns: The bytes that wait now.
  func add(_ bytes: Int) -> Int { waiting.add(bytes, ordering: .sequentiallyConsistent).newValue }

  /// Whether a producer may go on; if not, `remove` tells once when it may.
  ///
  /// - Parameter waiting: What `add` returned.
  func hasRoom(waiting: Int) -> Bool {
    if waiting < Self.limit { return true }
    hasWaitingProducer.store(true, ordering: .sequentiallyConsistent)
    // The bytes may have been written before the flag was set; then `remove` says nothing more.
    return self.waiting.load(ordering: .sequentiallyConsistent) < Self.limit / 2
  }

  /// Bytes were written.
  ///
  /// - Returns: Whether to tell the producer that it may go on.
  func remove(_ bytes: Int) -> Bool {
    let left = waiting.subtract(bytes, ordering: .sequentiallyConsistent).newValue
    return left < Self.limit / 2
      && hasWaitingProducer.exchange(false, ordering: .sequentiallyConsistent)
  }

  /// Bytes became fewer by compression. The producer is told with the next that are written.
  func shrink(by bytes: Int) { waiting.subtract(bytes, ordering: .sequentiallyConsistent) }
}
