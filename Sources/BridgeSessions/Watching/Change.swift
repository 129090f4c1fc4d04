/// One committed change, as watches report it, shared by all of them.
// @unchecked: immutable but for `update` and `isLogged`, which the session's lock guards.
public final class Change: @unchecked Sendable {
  /// What happened to a variable.
  public enum Kind: Sendable {
    case registered
    case valueChanged
    /// Other constraints, and perhaps another value.
    case constraintsChanged
    /// An optimizer locked the variable or let go of it; the version stays.
    case optimizationChanged
    /// Something the variable depends on changed; the version stays.
    case dependencyChanged
    case deleted
  }

  // In this order the fields leave no gaps: a session's log holds thousands of these.
  /// What happened.
  public let kind: Kind
  /// Whether this is the last change of its revision.
  public let isLastInRevision: Bool
  /// Whether the session's log has it. Guarded by the session's lock.
  var isLogged = false
  /// Earlier changes of the variable that a conflating watch left out before this one.
  public let skipped: Int32
  /// The session revision of the change; the parts of an atomic batch share one.
  public let revision: Int64
  /// Nanoseconds since 1970.
  public let timestamp: Int64
  /// The version the change made; for a deletion, the last one there was.
  public let variable: Variable
  /// The version before; nil where there is none, or the change made none.
  public let previous: Variable?
  /// The change as clients are usually sent it, once somebody has encoded it. Guarded by the
  /// session's lock.
  var update: [UInt8]?
  /// Few changes have a reason.
  private let reason: Reason?

  private final class Reason: Sendable {
    let cause: String
    let causedBy: String

    init?(_ cause: String, by causedBy: String) {
      if cause.isEmpty && causedBy.isEmpty { return nil }
      self.cause = cause
      self.causedBy = causedBy
    }
  }

  init(
    kind: Kind, revision: Int64, timestamp: Int64, variable: Variable, previous: Variable?,
    cause: String = "", causedBy: String = "", isLastInRevision: Bool, skipped: Int32 = 0
  ) {
    self.kind = kind
    self.isLastInRevision = isLastInRevision
    self.skipped = skipped
    self.revision = revision
    self.timestamp = timestamp
    self.variable = variable
    self.previous = previous
    self.reason = Reason(cause, by: causedBy)
  }

  /// Why: the type of a dependency, how an optimization began or ended; else empty.
  public var cause: String { reason?.cause ?? "" }
  /// The name of the variable whose change this follows from; else empty.
  public var causedBy: String { reason?.causedBy ?? "" }

  /// This change as the last of its revision, or not; a copy, since other watches see it otherwise.
  func with(isLastInRevision: Bool) -> Change {
    Change(
      kind: kind, revision: revision, timestamp: timestamp, variable: variable,
      previous: previous, cause: cause, causedBy: causedBy, isLastInRevision: isLastInRevision,
      skipped: skipped)
  }

  /// About how many bytes this change keeps alive, its update aside. Any thread.
  public var baseByteCount: Int { 144 + variable.size + (previous?.size ?? 0) }

  /// The same with its update. Guarded by the session's lock.
  var byteCount: Int { baseByteCount + (update?.count ?? 0) }
}
