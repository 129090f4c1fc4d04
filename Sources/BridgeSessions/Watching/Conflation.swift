/// What a conflating watch owes its reader: of each variable the newest change, in the order these
/// were committed.
///
/// It holds one change a variable, however far behind the reader is.
struct Conflation {
  private struct Owed {
    var change: Change
    var position: Int
    /// The version the reader knows.
    var previous: Variable?
    var skipped: Int32 = 0
  }

  /// By ordinal.
  private var owed: [Int32: Owed] = [:]
  /// What is being read, in order; of what is in here too, `owed` has the newer.
  private var ready: ArraySlice<Owed> = []
  /// The reader was told that more of this revision follows: so it must.
  private var promised: Int64?

  var isEmpty: Bool { owed.isEmpty && ready.isEmpty }

  /// Adds a change newer than all others.
  mutating func merge(_ change: Change, at position: Int) {
    let ordinal = change.variable.definition.ordinal
    guard let older = owed[ordinal] else {
      owed[ordinal] = Owed(change: change, position: position, previous: change.previous)
      return
    }
    owed[ordinal] = Self.merged(older, into: change, at: position)
  }

  private static func merged(_ older: Owed, into change: Change, at position: Int) -> Owed {
    var change = change
    if change.kind.isAboutStatus && !older.change.kind.isAboutStatus {
      // The reader has not seen the value that the older change made.
      change = Change(
        kind: older.change.kind, revision: change.revision, timestamp: change.timestamp,
        variable: change.variable, previous: change.previous, cause: change.cause,
        causedBy: change.causedBy, isLastInRevision: change.isLastInRevision)
    }
    return Owed(
      change: change, position: position, previous: older.previous, skipped: older.skipped &+ 1)
  }

  /// Takes the next change.
  mutating func next() -> Change? {
    while true {
      if ready.isEmpty {
        if owed.isEmpty { return nil }
        ready = owed.values.sorted { $0.position < $1.position }[...]
        owed = [:]
      }
      let item = ready.removeFirst()
      let revision = item.change.revision
      if promised != revision, let newer = owed[item.change.variable.definition.ordinal] {
        var folded = Self.merged(item, into: newer.change, at: newer.position)
        folded.skipped &+= newer.skipped
        owed[item.change.variable.definition.ordinal] = folded
        continue
      }
      let goesOn =
        ready.first { promised == revision || !isOutdated($0) }?.change.revision == revision
      promised = goesOn ? revision : nil
      return Change(
        kind: item.change.kind, revision: revision, timestamp: item.change.timestamp,
        variable: item.change.variable, previous: item.previous, cause: item.change.cause,
        causedBy: item.change.causedBy, isLastInRevision: !goesOn, skipped: item.skipped)
    }
  }

  private func isOutdated(_ item: Owed) -> Bool {
    owed[item.change.variable.definition.ordinal] != nil
  }
}

extension Change.Kind {
  /// Changes that make no version.
  fileprivate var isAboutStatus: Bool {
    self == .optimizationChanged || self == .dependencyChanged
  }
}
