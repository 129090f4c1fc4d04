internal import DequeModule

/// The last changes of a session, oldest first, bounded by number and bytes.
///
/// Positions count all changes ever appended, so they stay valid while old changes go.
struct ChangeLog {
  private var changes: Deque<Change> = []
  /// About how many bytes the changes keep alive.
  private(set) var byteCount = 0
  /// The position of the oldest change held.
  private(set) var start = 0
  /// The revision of the newest change no longer held; 0 when none has gone.
  private(set) var lastDroppedRevision: Int64
  let limits: SessionLimits

  /// - Parameter revision: That of the session; what led to it is not held.
  init(limits: SessionLimits, after revision: Int64) {
    self.limits = limits
    self.lastDroppedRevision = revision
  }

  /// The position of the next change.
  var end: Int { start + changes.count }

  subscript(position: Int) -> Change { changes[position - start] }

  /// - Parameter onDrop: Hears of every change that goes, with its position.
  mutating func append(_ change: Change, onDrop: (Change, Int) -> Void = { _, _ in }) {
    change.isLogged = true
    changes.append(change)
    byteCount += change.byteCount
    while changes.count > limits.logChanges || (byteCount > limits.logBytes && changes.count > 1) {
      let dropped = changes.removeFirst()
      dropped.isLogged = false
      byteCount -= dropped.byteCount
      // Who keeps the change does not send it as it is.
      dropped.update = nil
      lastDroppedRevision = dropped.revision
      onDrop(dropped, start)
      start += 1
    }
  }

  /// Keeps the encoded update of a change for as long as it is held.
  mutating func keep(_ update: [UInt8], with change: Change) {
    guard change.isLogged, change.update == nil else { return }
    change.update = update
    // What is too much goes with the next change.
    byteCount += update.count
  }

  /// The position of the first change after a revision, for revisions the log still reaches.
  func position(after revision: Int64) -> Int {
    var low = 0
    var high = changes.count
    while low < high {
      let middle = (low + high) / 2
      if changes[middle].revision <= revision { low = middle + 1 } else { high = middle }
    }
    return start + low
  }

  /// The position of the first change, from one on, that is asked for; where looking stopped when
  /// none of the next `limit` is.
  func position(
    from position: Int, limit: Int, ofFirst isAskedFor: (Change) -> Bool
  ) -> Int {
    let stop = position + min(limit, end - position)
    return changes[(position - start)..<(stop - start)].firstIndex(where: isAskedFor)
      .map { $0 + start } ?? stop
  }

  /// The variables that were deleted from a position on, by their ids: a watch that resumes there
  /// may address them.
  func deletedDefinitions(from position: Int) -> [String: Variable.Definition] {
    var definitions: [String: Variable.Definition] = [:]
    for change in changes[(position - start)...] where change.kind == .deleted {
      definitions[change.variable.id] = change.variable.definition
    }
    return definitions
  }
}
