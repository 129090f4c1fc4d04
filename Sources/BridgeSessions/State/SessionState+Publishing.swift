/// Tells of changes: to the log, the watches and the recorder.
extension Session.State {
  /// Logs a change of the present revision, and collects the watches that must be woken once the
  /// lock is released.
  mutating func publish(
    _ kind: Change.Kind, _ variable: Variable, previous: Variable?, cause: String = "",
    causedBy: String = "", time: Int64, isLast: Bool, _ woken: inout [Watch]
  ) {
    let position = log.end
    let change = Change(
      kind: kind, revision: revision, timestamp: time, variable: variable, previous: previous,
      cause: cause, causedBy: causedBy, isLastInRevision: isLast)
    if conflatingWatches.isEmpty {
      log.append(change)
    } else {
      let watches = conflatingWatches
      log.append(change) { dropped, position in
        for watch in watches { watch.absorb(dropped, at: position) }
      }
      countAbsorbed()
    }
    if recorder != nil { unrecorded.append(change) }
    guard watchCount > 0 else { return }
    let named = groupsByName.isEmpty ? nil : groupsByName[variable.name]
    for group in named ?? [] { wake(group, for: variable, at: position, &woken) }
    for group in broadGroups { wake(group, for: variable, at: position, &woken) }
    if log.start > snapshotCheck, !snapshotWatches.isEmpty { dropLostSnapshots(&woken) }
  }

  private func wake(
    _ group: WatcherGroup, for variable: Variable, at position: Int, _ woken: inout [Watch]
  ) {
    guard group.reports(variable.definition) else { return }
    for watch in group.watches where watch.becomePending(at: position) { woken.append(watch) }
  }

  /// Tells the recorder what was applied.
  mutating func record(_ mutation: @autoclosure () -> Mutation) {
    guard let recorder else { return }
    recorder.applied(mutation(), changes: unrecorded)
    unrecorded.removeAll()
  }

  /// Keeps the encoded update of a change for as long as the log has it.
  mutating func keep(_ update: [UInt8], with change: Change) { log.keep(update, with: change) }
}
