internal import BridgeSessions

/// Decides what a WatchVariables call sends next, as a pure state machine.
///
///     initialValues ─▶ changes ◀─▶ caughtUp
///                         └──▶ ended, behind ──▶ over
///
/// The owner asks `next` until it answers `wait` or the end, and does what it says. After
/// `takeChanges` it tells what came of it with `took`.
struct WatchProgress {
  enum Step {
    /// Send a present value.
    case initialValue(Variable, revision: Int64)
    /// Say that all present values were sent.
    case synced(revision: Int64)
    /// Take changes from the watch and send them.
    case takeChanges
    /// Say that everything up to a revision was sent.
    case heartbeat(revision: Int64)
    /// Say that the session is over, and end the call.
    case sessionClosed(Session.End, revision: Int64)
    /// Fail the call: the changes after `last`, up to `oldest`, are gone.
    case fellBehind(last: Int64, oldest: Int64)
    /// Nothing to send until the watch or the timer says so.
    case wait
  }

  private enum Phase {
    case initialValues
    case changes
    /// Everything up to the revision was taken.
    case caughtUp(revision: Int64)
    case ended(Session.End, revision: Int64)
    case behind(oldest: Int64)
    case over
  }

  private var phase: Phase
  /// Present values that have not been sent yet.
  private var initialValues: ArraySlice<Variable>
  /// The revision they are of.
  private let initialRevision: Int64
  /// Whether `synced` is still to be said.
  private var isSyncedWanted: Bool
  private var isHeartbeatDue = false
  /// The revision up to which everything has been sent: a client may resume after it.
  private(set) var sentRevision: Int64

  /// A watch that begins with changes.
  ///
  /// - Parameters:
  ///   - revision: The changes after it are sent.
  ///   - saysSynced: Whether to say when everything is sent for the first time.
  init(after revision: Int64, saysSynced: Bool = false) {
    phase = .changes
    initialValues = []
    initialRevision = revision
    sentRevision = revision
    isSyncedWanted = saysSynced
  }

  /// A watch that begins with the present values.
  ///
  /// - Parameter saysSynced: Whether to say that they were sent.
  init(initialValues: [Variable], at revision: Int64, saysSynced: Bool) {
    isSyncedWanted = saysSynced
    phase = .initialValues
    self.initialValues = initialValues[...]
    initialRevision = revision
    sentRevision = revision
  }

  mutating func next() -> Step {
    switch phase {
    case .initialValues:
      if let variable = initialValues.popFirst() {
        return .initialValue(variable, revision: initialRevision)
      }
      initialValues = []
      phase = .changes
      guard isSyncedWanted else { return .takeChanges }
      isSyncedWanted = false
      return .synced(revision: initialRevision)
    case .changes: return .takeChanges
    case .caughtUp(let revision):
      if isSyncedWanted {
        isSyncedWanted = false
        return .synced(revision: revision)
      }
      if isHeartbeatDue {
        isHeartbeatDue = false
        return .heartbeat(revision: revision)
      }
      phase = .changes
      return .wait
    case .ended(let cause, let revision):
      phase = .over
      return .sessionClosed(cause, revision: revision)
    case .behind(let oldest):
      phase = .over
      return .fellBehind(last: sentRevision, oldest: oldest)
    case .over: return .wait
    }
  }

  /// The changes that follow the present values are gone, and these are of no use.
  ///
  /// - Parameter oldest: The oldest revision that is not.
  mutating func initialValuesLost(oldest: Int64) {
    guard case .initialValues = phase else { return }
    initialValues = []
    sentRevision = 0
    phase = .behind(oldest: oldest)
  }

  /// All changes up to a revision, and those of the revision itself, are sent.
  mutating func sent(_ revision: Int64) { sentRevision = revision }

  /// What taking changes came to.
  mutating func took(_ progress: Watch.Progress) {
    guard case .changes = phase else {
      preconditionFailure("changes were taken that `next` did not ask for")
    }
    switch progress {
    case .more: break
    case .upToDate(let revision):
      sentRevision = revision
      phase = .caughtUp(revision: revision)
    case .ended(let cause, let revision): phase = .ended(cause, revision: revision)
    case .fellBehind(let oldest): phase = .behind(oldest: oldest)
    }
  }

  /// The time for a heartbeat has come: it is sent once all changes are.
  mutating func heartbeatDue() { isHeartbeatDue = true }
}
