/// What the reader of a conflating watch has not taken yet: of each variable the newest change, in
/// the order of their commits. A pure state machine.
///
/// It holds one change a variable, however far behind the reader is, and the values that the reader knows,
/// which it counts: nothing else need keep them.
struct Conflation {
  private struct Pending {
    var change: Change
    var position: Int
    /// The version the reader knows.
    var previous: Variable?
    var skipped: Int32 = 0

    /// About how many bytes it alone keeps alive. The value that it tells of is the present one, or the
    /// one before a newer change, which counts it.
    var byteCount: Int { 256 + (previous?.size ?? 0) }
  }

  /// About how many bytes it alone keeps alive.
  private(set) var byteCount = 0
  /// By the variable's ordinal.
  private var pending: [Int32: Pending] = [:]
  /// What is being read, in order; of what is in here too, `pending` has the newer.
  private var ready: ArraySlice<Pending> = []
  /// The reader was told that more of this revision follows, so more of it must follow.
  private var openRevision: Int64?

  var isEmpty: Bool { pending.isEmpty && ready.isEmpty }

  /// Adds a change newer than all others.
  mutating func merge(_ change: Change, at position: Int) {
    let ordinal = change.variable.definition.ordinal
    guard let older = pending[ordinal] else {
      let first = Pending(change: change, position: position, previous: change.previous)
      pending[ordinal] = first
      byteCount += first.byteCount
      return
    }
    pending[ordinal] = Self.merged(older, into: change, at: position)
  }

  private static func merged(_ older: Pending, into change: Change, at position: Int) -> Pending {
    var change = change
    if change.kind.isAboutStatus && !older.change.kind.isAboutStatus {
      // The reader has not seen the value that the older change made.
      change = Change(
        kind: older.change.kind, revision: change.revision, timestamp: change.timestamp,
        variable: change.variable, previous: change.previous, cause: change.cause,
        causedBy: change.causedBy, isLastInRevision: change.isLastInRevision)
    }
    return Pending(
      change: change, position: position, previous: older.previous, skipped: older.skipped &+ 1)
  }

  /// Takes the next change.
  mutating func next() -> Change? {
    while true {
      if ready.isEmpty {
        if pending.isEmpty { return nil }
        ready = pending.values.sorted { $0.position < $1.position }[...]
        pending = [:]
      }
      let item = ready.removeFirst()
      let revision = item.change.revision
      if openRevision != revision, let newer = pending[item.change.variable.definition.ordinal] {
        var folded = Self.merged(item, into: newer.change, at: newer.position)
        folded.skipped &+= newer.skipped
        // What it knows is what the older one knows.
        byteCount -= newer.byteCount
        pending[item.change.variable.definition.ordinal] = folded
        continue
      }
      byteCount -= item.byteCount
      let goesOn =
        ready.first { openRevision == revision || !isOutdated($0) }?.change.revision == revision
      openRevision = goesOn ? revision : nil
      return Change(
        kind: item.change.kind, revision: revision, timestamp: item.change.timestamp,
        variable: item.change.variable, previous: item.previous, cause: item.change.cause,
        causedBy: item.change.causedBy, isLastInRevision: !goesOn, skipped: item.skipped)
    }
  }

  private func isOutdated(_ item: Pending) -> Bool {
    pending[item.change.variable.definition.ordinal] != nil
  }
}

extension Change.Kind {
  /// Changes that make no version.
  fileprivate var isAboutStatus: Bool {
    self == .optimizationChanged || self == .dependencyChanged
  }
}
