extension Session {
  /// Where a watch starts.
  public enum WatchStart: Sendable {
    /// At the present.
    case now
    /// After a revision of the epoch; an empty epoch is taken for the session's own.
    case after(revision: Int64, epoch: String)
  }

  /// Subscribes to variables.
  ///
  /// - Parameters:
  ///   - identifiers: Ids, names, names that do not exist yet, and patterns; none stand for
  ///     everything.
  ///   - conflates: Instead of falling behind the log, leave out all but the newest change of each
  ///     variable; `Change.skipped` says how many.
  ///   - snapshotLost: Of who sends the present values at the pace of its reader, and then says
  ///     `snapshotSent`. Called as `wake` is, once, when the log no longer has what follows them: they
  ///     must be dropped, and the watch has fallen behind.
  ///   - wake: Called on a committing thread, outside all locks, when there is something to take
  ///     after `take` has answered `upToDate`. It must be quick.
  /// - Returns: The watch and, for `.now`, the variables as they are at `revision`, oldest first:
  ///   every change after that revision will be taken from the watch.
  /// - Throws: `SessionError`: `tooOld` or `wrongEpoch` when it cannot start there.
  public func watch(
    _ identifiers: [String], from start: WatchStart = .now, conflates: Bool = false,
    snapshotLost: (@Sendable (_ oldestRevision: Int64) -> Void)? = nil,
    wake: @escaping @Sendable () -> Void
  ) throws -> (watch: Watch, snapshot: [Variable], revision: Int64) {
    try checkIdentifiers(identifiers)
    var (watch, snapshot, revision) = try state.withLock { state in
      try checkOpen(state)
      var position = state.log.end
      var gone: [String: Variable.Definition] = [:]
      if case .after(let revision, let epoch) = start {
        try checkResume(revision, epoch, state)
        position = state.log.position(after: revision)
        gone = state.log.deletedDefinitions(from: position)
      }
      let filter = WatchFilter(identifiers) { state.findByID($0)?.definition ?? gone[$0] }
      let group = try state.group(of: filter)
      // It must not fall behind for changes it does not report.
      position = state.log.position(from: position, limit: Self.scanLimit) {
        group.reports($0.variable.definition)
      }
      let watch = Watch(
        session: self, group: group, conflates: conflates,
        cursor: WatchCursor(at: position, logEnd: state.log.end), snapshotLost: snapshotLost,
        wake: wake)
      state.add(watch)
      var snapshot: [Variable] = []
      if case .now = start {
        snapshot =
          filter.isBroad
          ? state.variables.all.filter { filter.matches($0.definition) }
          : filter.allNames.compactMap { state.variables[$0] }
        if snapshotLost != nil {
          do throws(SessionError) {
            try state.holdSnapshot(of: watch, count: snapshot.count)
          } catch {
            _ = watch.cursor.cancel()
            state.remove(watch)
            throw error
          }
        }
      }
      return (watch, snapshot, state.revision)
    }
    snapshot.sort { $0.definition.ordinal < $1.definition.ordinal }
    return (watch, snapshot, revision)
  }

  private func checkResume(_ revision: Int64, _ epoch: String, _ state: borrowing State) throws {
    guard epoch.isEmpty || epoch.utf8.elementsEqual(self.epoch.utf8) else {
      throw SessionError(
        .wrongEpoch,
        "revision \(revision) is of epoch \(epoch), this session's epoch is \(self.epoch): read "
          + "the variables again",
        details: ["epoch": self.epoch])
    }
    guard revision >= 0 else {
      throw SessionError(.invalidArgument, "start_revision is \(revision), it must not be negative")
    }
    guard revision <= state.revision else {
      throw SessionError(
        .wrongEpoch,
        "revision \(revision) is not of the past: this session is at revision \(state.revision)",
        details: ["revision": String(state.revision)])
    }
    let dropped = state.log.lastDroppedRevision
    guard revision >= dropped else {
      throw SessionError(
        .tooOld,
        "revision \(revision) is too old to resume from: the oldest is \(dropped)",
        details: ["oldest_revision": String(dropped)])
    }
  }

  fileprivate static let scanLimit = 1024

  func take(for watch: Watch, into changes: inout [Change], limit: Int) -> Watch.Progress {
    take(for: watch, limit: limit, usesBatches: false) { _ in
    } append: { change, _, _ in
      changes.append(change)
    }
  }

  func take(for watch: Watch, into items: inout [Watch.Item], limit: Int) -> Watch.Progress {
    take(for: watch, limit: limit, usesBatches: true) { batch in
      items.append(.batch(batch))
    } append: { change, start, end in
      items.append(
        .change(
          change, update: change.update,
          range: Watch.LogRange(start: start, end: end, isShared: watch.group.isShared)))
    }
  }

  /// - Parameters:
  ///   - appendBatch: Called under the lock, for what other watches have shared.
  ///   - append: Called under the lock, with a change, where the watch was before it, and after it.
  private func take(
    for watch: Watch, limit: Int, usesBatches: Bool,
    appendBatch: (EncodedBatch) -> Void, append: (Change, Int, Int) -> Void
  ) -> Watch.Progress {
    state.withLock { state in
      var position = watch.cursor.position(logEnd: state.log.end)
      if watch.conflates {
        return state.takeConflated(for: watch, from: position, limit: limit, append)
      }
      if position < state.log.start {
        return .fellBehind(oldestRevision: state.log.lastDroppedRevision)
      }
      var taken = 0
      var scanned = 0
      var start = position
      while position < state.log.end {
        // Long ranges of other variables' changes are passed in steps too: the lock is shared.
        if taken >= limit || scanned == Self.scanLimit {
          watch.cursor.advance(to: position)
          return .more
        }
        scanned += 1
        if usesBatches, let batch = watch.group.batch(at: position) {
          appendBatch(batch)
          position = batch.end
          start = batch.end
          taken += batch.count
          continue
        }
        let change = state.log[position]
        position += 1
        guard watch.reports(change.variable.definition) else { continue }
        if change.isLastInRevision
          || state.hasMore(of: change.revision, from: position, for: watch)
        {
          append(change, start, position)
        } else {
          // The batch goes on, but not for this watch.
          append(change.with(isLastInRevision: true), start, position)
        }
        start = position
        taken += 1
      }
      return state.finishTaking(for: watch, at: position)
    }
  }

  func remove(_ watch: Watch) {
    state.withLock { state in
      if watch.cursor.cancel() { state.remove(watch) }
    }
  }
}

extension Session.State {
  /// As `take`, of what is left after merging all there is.
  fileprivate mutating func takeConflated(
    for watch: Watch, from start: Int, limit: Int, _ append: (Change, Int, Int) -> Void
  ) -> Watch.Progress {
    if watch.hasLostChanges { return .fellBehind(oldestRevision: log.lastDroppedRevision) }
    defer { countKept(by: watch) }
    var position = start
    while position < log.end {
      if position - start == Session.scanLimit {
        watch.cursor.advance(to: position)
        return .more
      }
      let change = log[position]
      if watch.reports(change.variable.definition) {
        watch.conflation!.merge(change, at: position)
      }
      position += 1
    }
    for _ in 0..<limit {
      guard let change = watch.conflation!.next() else { break }
      append(change, position, position)
    }
    guard watch.conflation!.isEmpty else {
      watch.cursor.advance(to: position)
      return .more
    }
    return finishTaking(for: watch, at: position)
  }

  /// Counts the places of a snapshot. What they refer to counts as present values, and once it is
  /// replaced in the log, whose end is the snapshot's.
  ///
  /// - Throws: `SessionError` with code `limitReached`.
  fileprivate mutating func holdSnapshot(of watch: Watch, count: Int) throws(SessionError) {
    if count == 0 { return }
    let bytes = 64 + count * MemoryLayout<Variable>.stride
    try account.add(bytes)
    watch.snapshotBytes = bytes
    snapshotWatches.append(watch)
  }

  mutating func releaseSnapshot(of watch: Watch) {
    guard watch.snapshotBytes > 0 else { return }
    // The end of the session has given back everything.
    if end == nil { account.use(-watch.snapshotBytes) }
    watch.snapshotBytes = 0
    snapshotWatches.removeAll { $0 === watch }
  }

  /// Takes the snapshots from watches whose next changes the log has just dropped.
  mutating func dropLostSnapshots(_ woken: inout [Watch]) {
    var next = log.end
    snapshotWatches.removeAll { watch in
      guard watch.isBehind(log) else {
        next = min(next, watch.cursor.position(logEnd: log.end))
        return false
      }
      watch.loseSnapshot(oldestRevision: log.lastDroppedRevision)
      account.use(-watch.snapshotBytes)
      watch.snapshotBytes = 0
      woken.append(watch)
      return true
    }
    snapshotCheck = next
  }

  /// Counts what a conflating watch keeps now.
  fileprivate mutating func countKept(by watch: Watch) {
    let bytes = watch.conflation?.byteCount ?? 0
    // The end of the session has given back everything.
    if bytes != watch.keptBytes && end == nil { account.use(bytes - watch.keptBytes) }
    watch.keptBytes = bytes
  }

  /// Counts what conflating watches have just taken over from the log. Where there is no room for it, they
  /// lose it.
  mutating func countAbsorbed() {
    for watch in conflatingWatches where watch.conflation?.byteCount != watch.keptBytes {
      countKept(by: watch)
    }
    while account.isOver && dropKept() {}
  }

  /// Makes room before a change, if need be at the cost of what slow watches keep.
  ///
  /// - Parameter growth: As of `ByteAccount.reserve`.
  /// - Throws: `SessionError` with code `limitReached`.
  mutating func reserve(_ growth: Int) throws(SessionError) {
    while true {
      do throws(SessionError) {
        return try account.reserve(growth)
      } catch {
        guard dropKept() else { throw error }
      }
    }
  }

  /// Has the conflating watch that keeps most fall behind. It is told when its reader reads on: it keeps
  /// something because that does not.
  ///
  /// - Returns: Whether there was one.
  private mutating func dropKept() -> Bool {
    guard let watch = conflatingWatches.max(by: { $0.keptBytes < $1.keptBytes }),
      watch.keptBytes > 0
    else { return false }
    watch.loseChanges()
    countKept(by: watch)
    return true
  }

  /// What is said to a watch that has taken everything.
  fileprivate func finishTaking(for watch: Watch, at position: Int) -> Watch.Progress {
    if let end {
      watch.cursor.advance(to: position)
      return .ended(cause: end, revision: revision)
    }
    watch.cursor.caughtUp()
    return .upToDate(revision: revision)
  }

  fileprivate func hasMore(of revision: Int64, from start: Int, for watch: Watch) -> Bool {
    var position = start
    while position < log.end, log[position].revision == revision {
      if watch.reports(log[position].variable.definition) { return true }
      position += 1
    }
    return false
  }

  /// The group of watches with a filter, a new one if there is none. What it takes counts as values do.
  ///
  /// - Throws: `SessionError` with code `limitReached`.
  fileprivate mutating func group(of filter: WatchFilter) throws(SessionError) -> WatcherGroup {
    let key = filter.key
    if let group = groups[key] { return group }
    try account.add(filter.byteCount)
    let group = WatcherGroup(filter)
    groups[key] = group
    if filter.isBroad {
      broadGroups.append(group)
    } else {
      for name in filter.allNames { groupsByName[name, default: []].append(group) }
    }
    return group
  }

  fileprivate mutating func add(_ watch: Watch) {
    watchCount += 1
    if watch.conflates { conflatingWatches.append(watch) }
    watch.group.add(watch)
  }

  fileprivate mutating func remove(_ watch: Watch) {
    watchCount -= 1
    releaseSnapshot(of: watch)
    if watch.conflates {
      conflatingWatches.removeAll { $0 === watch }
      watch.loseChanges()
      countKept(by: watch)
    }
    let group = watch.group
    group.remove(watch)
    guard group.isEmpty else { return }
    groups[group.filter.key] = nil
    // The end of the session has given back everything.
    if end == nil { account.use(-group.filter.byteCount) }
    broadGroups.removeAll { $0 === group }
    for name in group.filter.allNames {
      groupsByName[name]?.removeAll { $0 === group }
      if groupsByName[name]?.isEmpty == true { groupsByName[name] = nil }
    }
  }
}
