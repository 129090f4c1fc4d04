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
  ///   - wake: Called on a committing thread, outside all locks, when there is something to take
  ///     after `take` has answered `upToDate`. It must be quick.
  /// - Returns: The watch and, for `.now`, the variables as they are at `revision`, oldest first:
  ///   every change after that revision will be taken from the watch.
  /// - Throws: `SessionError`: `tooOld` or `wrongEpoch` when it cannot start there.
  public func watch(
    _ identifiers: [String], from start: WatchStart = .now, conflates: Bool = false,
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
        if SeededBug.resumeFromNow.isActive { position = state.log.end }
      }
      let interest = Interest(identifiers) { state.findByID($0)?.definition ?? gone[$0] }
      let audience = state.audience(of: interest)
      // It must not fall behind for changes it does not report.
      position = state.log.position(from: position, limit: Self.scanLimit) {
        audience.reports($0.variable.definition)
      }
      let watch = Watch(
        session: self, audience: audience, conflates: conflates, position: position,
        isPending: position < state.log.end, wake: wake)
      state.add(watch)
      var snapshot: [Variable] = []
      if case .now = start {
        snapshot =
          interest.isBroad
          ? state.variables.values.filter { interest.matches($0.definition) }
          : interest.allNames.compactMap { state.variables[$0] }
      }
      return (watch, snapshot, state.revision)
    }
    if SeededBug.snapshotBeforeRegistration.isActive && !snapshot.isEmpty {
      skipToPresent(SeededBug.late(watch))
    }
    snapshot.sort { $0.definition.ordinal < $1.definition.ordinal }
    return (watch, snapshot, revision)
  }

  private func checkResume(_ revision: Int64, _ epoch: String, _ state: borrowing State) throws {
    guard epoch.isEmpty || epoch == self.epoch else {
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
    take(for: watch, limit: limit, usesRuns: false) { _ in
    } append: { change, _ in
      changes.append(change)
    }
  }

  func take(for watch: Watch, into items: inout [Watch.Item], limit: Int) -> Watch.Progress {
    take(for: watch, limit: limit, usesRuns: true) { run in
      items.append(.run(run))
    } append: { change, start in
      items.append(
        .change(
          change, update: change.update,
          stretch: Watch.Stretch(
            start: start, end: watch.position, isShared: watch.audience.isShared)))
    }
  }

  /// - Parameters:
  ///   - appendRun: Called under the lock, for what other watches have shared.
  ///   - append: Called under the lock, with a change and where the watch was before it.
  private func take(
    for watch: Watch, limit: Int, usesRuns: Bool,
    appendRun: (UpdateRun) -> Void, append: (Change, Int) -> Void
  ) -> Watch.Progress {
    state.withLock { state in
      // Nothing it reports was committed since it was up to date, however far the log has moved.
      if !watch.isPending { watch.position = state.log.end }
      if watch.conflates {
        return state.takeConflated(for: watch, limit: limit, append)
      }
      if SeededBug.dropWhenFull.isActive { watch.position = max(watch.position, state.log.start) }
      if watch.position < state.log.start {
        return .fellBehind(oldestRevision: state.log.lastDroppedRevision)
      }
      var taken = 0
      var scanned = 0
      var start = watch.position
      while watch.position < state.log.end {
        // Long stretches of other variables' changes are passed in steps too: the lock is shared.
        if taken >= limit || scanned == Self.scanLimit { return .more }
        scanned += 1
        if usesRuns, let run = watch.audience.run(at: watch.position) {
          appendRun(run)
          watch.position = run.end
          start = run.end
          taken += run.count
          continue
        }
        let change = state.log[watch.position]
        watch.position += 1
        guard watch.reports(change.variable.definition) else { continue }
        if change.isLastInRevision || state.hasMore(of: change.revision, for: watch) {
          append(change, start)
        } else {
          // The batch goes on, but not for this watch.
          append(change.with(isLastInRevision: true), start)
        }
        if SeededBug.duplicateDelivery.isActive && change.revision % 7 == 0 {
          append(change, start)
        }
        start = watch.position
        taken += 1
      }
      if let end = state.end { return .ended(cause: end, revision: state.revision) }
      watch.isPending = false
      return .upToDate(revision: state.revision)
    }
  }

  private func skipToPresent(_ watch: Watch) {
    state.withLock { watch.position = $0.log.end }
  }

  func remove(_ watch: Watch) {
    state.withLock { state in
      guard watch.isActive else { return }
      watch.isActive = false
      state.remove(watch)
    }
  }
}

extension Session.State {
  /// As `take`, of what is left after merging all there is.
  fileprivate func takeConflated(
    for watch: Watch, limit: Int, _ append: (Change, Int) -> Void
  ) -> Watch.Progress {
    var scanned = 0
    while watch.position < log.end {
      if scanned == Session.scanLimit { return .more }
      scanned += 1
      let change = log[watch.position]
      if watch.reports(change.variable.definition) {
        watch.conflation!.merge(change, at: watch.position)
      }
      watch.position += 1
    }
    for _ in 0..<limit {
      guard let change = watch.conflation!.next() else { break }
      append(change, watch.position)
    }
    guard watch.conflation!.isEmpty else { return .more }
    if let end { return .ended(cause: end, revision: revision) }
    watch.isPending = false
    return .upToDate(revision: revision)
  }

  fileprivate func hasMore(of revision: Int64, for watch: Watch) -> Bool {
    var position = watch.position
    while position < log.end, log[position].revision == revision {
      if watch.reports(log[position].variable.definition) { return true }
      position += 1
    }
    return false
  }

  /// The audience of an interest, a new one if there is none.
  fileprivate mutating func audience(of interest: Interest) -> Audience {
    let key = interest.key
    if let audience = audiences[key] { return audience }
    let audience = Audience(interest)
    audiences[key] = audience
    if interest.isBroad {
      broadAudiences.append(audience)
    } else {
      for name in interest.allNames { audiencesByName[name, default: []].append(audience) }
    }
    return audience
  }

  fileprivate mutating func add(_ watch: Watch) {
    watchCount += 1
    if watch.conflates { conflatingWatches.append(watch) }
    watch.audience.add(watch)
  }

  fileprivate mutating func remove(_ watch: Watch) {
    watchCount -= 1
    if watch.conflates { conflatingWatches.removeAll { $0 === watch } }
    let audience = watch.audience
    audience.remove(watch)
    guard audience.isEmpty else { return }
    audiences[audience.interest.key] = nil
    broadAudiences.removeAll { $0 === audience }
    for name in audience.interest.allNames {
      audiencesByName[name]?.removeAll { $0 === audience }
      if audiencesByName[name]?.isEmpty == true { audiencesByName[name] = nil }
    }
  }
}
