internal import Synchronization

/// A subscription to the changes of a session's variables.
///
/// A watch holds no changes: it is a position in the session's log. When a change it reports is
/// committed, `wake` is called once, outside all locks, on the committing thread; the owner then
/// calls `take` until it answers `upToDate`. So a watch that is not read costs nothing but its
/// place, and neither delays writers nor other watches; one that falls behind the log ends.
///
/// Thread-safe.
// @unchecked: all that is `var` is guarded by the session's lock.
public final class Watch: @unchecked Sendable {
  /// The session whose changes are watched.
  public let session: Session
  let group: WatcherGroup
  private let onWake: @Sendable () -> Void
  /// Called once, as `wake` is, when the present values that are still to be sent are of no use.
  private let onSnapshotLost: (@Sendable (_ oldestRevision: Int64) -> Void)?
  private let lostSnapshot = Atomic<Int64>(-1)
  /// Bytes that its snapshot counts for, until it is sent. Guarded by the session's lock.
  var snapshotBytes = 0

  /// Guarded by the session's lock.
  @exclusivity(unchecked) var cursor: WatchCursor
  /// Its index in the group.
  var place = 0
  /// Present in a watch that keeps the newest change of each variable when it falls behind.
  var conflation: Conflation?
  /// Bytes that count for what `conflation` keeps. Guarded by the session's lock.
  var keptBytes = 0
  /// What it had kept was dropped, as there was no room for it. Guarded by the session's lock.
  private(set) var hasLostChanges = false
  /// Whether changes may stand for several: these are of this watch alone.
  public let conflates: Bool

  init(
    session: Session, group: WatcherGroup, conflates: Bool, cursor: WatchCursor,
    snapshotLost: (@Sendable (_ oldestRevision: Int64) -> Void)? = nil,
    wake: @escaping @Sendable () -> Void
  ) {
    self.session = session
    self.group = group
    self.cursor = cursor
    self.conflates = conflates
    self.conflation = conflates ? Conflation() : nil
    self.onSnapshotLost = snapshotLost
    self.onWake = wake
  }

  /// Outside all locks.
  func wake() {
    let oldest = lostSnapshot.load(ordering: .relaxed)
    if oldest >= 0, lostSnapshot.exchange(-1, ordering: .relaxed) >= 0 { onSnapshotLost?(oldest) }
    onWake()
  }

  /// The changes after its snapshot are gone: it is to be woken. Guarded by the session's lock.
  func loseSnapshot(oldestRevision: Int64) {
    lostSnapshot.store(oldestRevision, ordering: .relaxed)
  }

  /// Whether the log no longer has what follows its snapshot. Guarded by the session's lock.
  func isBehind(_ log: borrowing ChangeLog) -> Bool {
    guard !conflates, case .pending(let next) = cursor.state else { return false }
    return next < log.start
  }

  /// Whether the watch reports a variable. Guarded by the session's lock.
  func reports(_ definition: Variable.Definition) -> Bool {
    group.reports(definition)
  }

  /// A change that it reports, or the end of the session, comes at a position. Guarded by the
  /// session's lock.
  ///
  /// - Returns: Whether `wake` is to be called.
  func becomePending(at position: Int) -> Bool { cursor.committed(at: position) }

  /// Keeps what the log is about to drop and this conflating watch has not taken. Guarded by the
  /// session's lock.
  func absorb(_ change: Change, at position: Int) {
    guard !hasLostChanges, case .pending(let next) = cursor.state, next <= position else { return }
    cursor.advance(to: position + 1)
    if reports(change.variable.definition) { conflation?.merge(change, at: position) }
  }

  /// Drops what it has kept: it has fallen behind. Guarded by the session's lock.
  func loseChanges() {
    hasLostChanges = true
    conflation = Conflation()
  }

  /// What `take` left.
  public enum Progress: Sendable {
    /// Everything up to and including the revision has been taken; `wake` tells of more.
    case upToDate(revision: Int64)
    /// There is more to take.
    case more
    /// The session is over; nothing follows.
    case ended(cause: Session.End, revision: Int64)
    /// The log no longer holds what comes next; nothing follows.
    case fellBehind(oldestRevision: Int64)
  }

  /// Appends the next changes, in order.
  ///
  /// - Parameter limit: At most this many.
  public func take(_ changes: inout [Change], limit: Int) -> Progress {
    session.take(for: self, into: &changes, limit: limit)
  }

  /// What is next to be sent.
  public enum Item: Sendable {
    /// Updates that a watch with the same filter has written and shared.
    case batch(EncodedBatch)
    /// A change, and its bytes if a watch has shared these.
    case change(Change, update: [UInt8]?, range: LogRange)
  }

  /// The part of the log that a watch passes with one change.
  public struct LogRange: Sendable {
    let start: Int
    let end: Int
    /// Whether watches with the same filter would take its update in a batch.
    public let isShared: Bool
  }

  /// As `take`, for watches that send changes encoded: what another of them has encoded and shared
  /// comes as bytes.
  ///
  /// With a hundred watches of one variable on several threads, the reference counts they all touch
  /// are what a delivery costs; in a batch there is one for many changes.
  public func take(_ items: inout [Item], limit: Int) -> Progress {
    session.take(for: self, into: &items, limit: limit)
  }

  /// Keeps the bytes of a change for the other watches of the session.
  public func share(_ update: [UInt8], of change: Change) {
    session.state.withLock { $0.keep(update, with: change) }
  }

  /// Offers the updates of a range to the watches with the same filter.
  ///
  /// - Parameters:
  ///   - bytes: What `EncodedBatch.bytes` will be.
  ///   - ranges: Those of the changes it has, in order and without a gap; not empty.
  ///   - completeRevision: See `EncodedBatch`.
  public func share(
    _ bytes: [UInt8], of ranges: [LogRange], completeRevision: Int64?
  ) {
    let batch = EncodedBatch(
      start: ranges[0].start, end: ranges[ranges.count - 1].end, bytes: bytes,
      count: ranges.count, completeRevision: completeRevision)
    session.state.withLock { _ in group.keep(batch) }
  }

  /// The present values that `watch` answered are sent: they count no longer.
  public func snapshotSent() {
    session.state.withLock { $0.releaseSnapshot(of: self) }
  }

  /// Ends the subscription; `wake` is not called for changes committed after this returns.
  public func cancel() {
    session.remove(self)
  }
}
