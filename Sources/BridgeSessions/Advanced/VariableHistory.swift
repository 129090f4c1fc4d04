internal import DequeModule

/// The past versions of one variable, oldest first.
struct VariableHistory {
  private(set) var versions: Deque<Variable> = []
  private(set) var byteCount = 0

  /// Adds what was the present version.
  ///
  /// - Parameters:
  ///   - limit: Versions held at most.
  ///   - room: Bytes left in the session; the oldest versions go to make some.
  /// - Returns: How many bytes more are held than before.
  mutating func add(_ version: Variable, limit: Int, room: Int) -> Int {
    let before = byteCount
    versions.append(version)
    byteCount += version.size
    while versions.count > limit || (byteCount - before > room && !versions.isEmpty) {
      byteCount -= versions.removeFirst().size
    }
    return byteCount - before
  }
}
