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
  public let session: Session
  let audience: Audience
  let wake: @Sendable () -> Void

  /// Guarded by the session's lock.
  @exclusivity(unchecked) var position: Int
  /// There may be changes to take, or the end. While it is set, `wake` is not called again.
  @exclusivity(unchecked) var isPending: Bool
  var isActive = true
  /// Its index in the audience.
  var place = 0
  /// Present in a watch that keeps the newest change of each variable when it falls behind.
  var conflation: Conflation?
  /// Whether changes may stand for several: these are of this watch alone.
  public let conflates: Bool

  init(
    session: Session, audience: Audience, conflates: Bool, position: Int, isPending: Bool,
    wake: @escaping @Sendable () -> Void
  ) {
    self.session = session
    self.audience = audience
    self.position = position
    self.isPending = isPending
    self.conflates = conflates
    self.conflation = conflates ? Conflation() : nil
    self.wake = wake
  }

  /// Whether the watch reports a variable. Guarded by the session's lock.
  func reports(_ definition: Variable.Definition) -> Bool {
    audience.reports(definition)
  }

  /// Keeps what the log is about to drop and this conflating watch has not taken. Guarded by the
  /// session's lock.
  func absorb(_ change: Change, at position: Int) {
    guard isPending, self.position <= position else { return }
    self.position = position + 1
    if reports(change.variable.definition) { conflation?.merge(change, at: position) }
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
    /// Updates that a watch with the same interest has written and shared.
    case run(UpdateRun)
    /// A change, and its bytes if a watch has shared these.
    case change(Change, update: [UInt8]?, stretch: Stretch)
  }

  /// The part of the log that a watch passes with one change.
  public struct Stretch: Sendable {
    let start: Int
    let end: Int
    /// Whether watches with the same interest would take its update in a run.
    public let isShared: Bool
  }

  /// As `take`, for watches that send changes encoded: what another of them has encoded and shared
  /// comes as bytes.
  ///
  /// With a hundred watches of one variable on several threads, the reference counts they all touch
  /// are what a delivery costs; in a run there is one for many changes.
  public func take(_ items: inout [Item], limit: Int) -> Progress {
    session.take(for: self, into: &items, limit: limit)
  }

  /// Keeps the bytes of a change for the other watches of the session.
  public func share(_ update: [UInt8], of change: Change) {
    session.state.withLock { $0.keep(update, with: change) }
  }

  /// Offers the updates of a stretch to the watches with the same interest.
  ///
  /// - Parameters:
  ///   - bytes: What `UpdateRun.bytes` will be.
  ///   - stretches: Those of the changes it has, in order and without a gap; not empty.
  ///   - completeRevision: See `UpdateRun`.
  public func share(
    _ bytes: [UInt8], of stretches: [Stretch], completeRevision: Int64?
  ) {
    let run = UpdateRun(
      start: stretches[0].start, end: stretches[stretches.count - 1].end, bytes: bytes,
      count: stretches.count, completeRevision: completeRevision)
    session.state.withLock { _ in audience.keep(run) }
  }

  /// Ends the subscription; `wake` is not called for changes committed after this returns.
  public func cancel() {
    session.remove(self)
  }
}
