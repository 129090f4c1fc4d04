/// One committed change, as watches report it, shared by all of them.
// @unchecked: immutable but for `update`, which is guarded by the session's lock.
public final class Change: @unchecked Sendable {
  public enum Kind: Sendable {
    case registered
    case valueChanged
    case deleted
  }

  public let kind: Kind
  /// Whether this is the last change of its revision.
  public let isLastInRevision: Bool
  /// The session revision of the change; the parts of an atomic batch share one.
  public let revision: Int64
  /// Nanoseconds since 1970.
  public let timestamp: Int64
  /// The version the change made; for a deletion, the last one there was.
  public let variable: Variable
  /// The version before; nil for a registration and a deletion.
  public let previous: Variable?
  /// The change as clients are usually sent it, once somebody has encoded it. Guarded by the
  /// session's lock.
  var update: [UInt8]?

  init(
    kind: Kind, revision: Int64, timestamp: Int64, variable: Variable, previous: Variable?,
    isLastInRevision: Bool
  ) {
    self.kind = kind
    self.isLastInRevision = isLastInRevision
    self.revision = revision
    self.timestamp = timestamp
    self.variable = variable
    self.previous = previous
  }

  /// About how many bytes the log keeps alive for this change.
  var size: Int { 96 + variable.size }
}
