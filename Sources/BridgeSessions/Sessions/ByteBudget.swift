internal import Synchronization

/// The bytes that the values of all sessions share.
///
/// Sessions take from it in pieces, so that writes of different sessions do not meet here.
final class ByteBudget: Sendable {
  let limit: Int
  private let taken = Atomic<Int>(0)

  init(limit: Int) { self.limit = limit }

  /// - Returns: false when there is not that much left.
  func take(_ bytes: Int) -> Bool {
    let before = taken.add(bytes, ordering: .relaxed).oldValue
    if before <= limit - bytes { return true }
    taken.subtract(bytes, ordering: .relaxed)
    return false
  }

  /// Takes what is in use already.
  func takeRegardless(_ bytes: Int) {
    taken.add(bytes, ordering: .relaxed)
  }

  func giveBack(_ bytes: Int) {
    taken.subtract(bytes, ordering: .relaxed)
  }

  /// About how many bytes are in use.
  var used: Int { taken.load(ordering: .relaxed) }
}

/// One session's piece of the budget. Guarded by the session's lock.
struct ByteAccount {
  /// Bytes in use.
  private(set) var bytes = 0
  private var granted = 0
  private let limit: Int
  private let budget: ByteBudget

  init(limit: Int, budget: ByteBudget) {
    self.limit = limit
    self.budget = budget
  }

  /// Makes room before a change, which is refused if there is none.
  ///
  /// - Parameter growth: How many bytes more `use` will be told of; negative for fewer.
  /// - Throws: `SessionError` with code `limitReached`.
  mutating func reserve(_ growth: Int) throws(SessionError) {
    guard growth > 0 else { return }
    let needed = bytes + growth
    if needed > limit {
      throw SessionError(
        .limitReached,
        "the values of the session would take \(needed) bytes; its limit is \(limit)")
    }
    if needed <= granted { return }
    // An eighth more than needed, so that a growing session asks seldom.
    let more = needed - granted
    let piece = max(more, min(needed / 8, 1 << 20))
    if budget.take(piece) {
      granted += piece
    } else if budget.take(more) {
      granted += more
    } else {
      throw SessionError(
        .limitReached,
        "the values of all sessions would take more than the host's limit of \(budget.limit) "
          + "bytes")
    }
  }

  /// Counts what a change made, for which there should be room: nothing is refused here.
  mutating func use(_ growth: Int) {
    bytes += growth
    if bytes > granted {
      budget.takeRegardless(bytes - granted)
      granted = bytes
    } else if growth < 0, granted - bytes > 2 << 20 {
      let surplus = granted - bytes - 1 << 20
      budget.giveBack(surplus)
      granted -= surplus
    }
  }

  /// Whether more is in use than may be, here or by all sessions together.
  var isOver: Bool { bytes > limit || budget.used > budget.limit }

  /// Makes room and counts.
  mutating func add(_ growth: Int) throws(SessionError) {
    try reserve(growth)
    use(growth)
  }

  /// Gives everything back.
  mutating func close() {
    budget.giveBack(granted)
    granted = 0
    bytes = 0
  }
}
