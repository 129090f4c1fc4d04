internal import Threads

/// How many sessions each client has made that are still there: one client leaves room for others.
final class ClientShares: Sendable {
  /// What one client may have.
  let limit: Int
  private let counts = Locked<[UInt64: Int]>([:])

  /// - Parameter total: What there is for all: an eighth of it is left to others.
  init(total: Int) { limit = total - total / 8 }

  /// - Returns: false when the client has its share.
  func take(_ client: UInt64) -> Bool {
    counts.withLock { counts in
      let count = counts[client, default: 0]
      guard count < limit else { return false }
      counts[client] = count + 1
      return true
    }
  }

  func giveBack(_ client: UInt64) {
    counts.withLock { counts in
      let count = counts[client, default: 0] - 1
      counts[client] = count > 0 ? count : nil
    }
  }
}
