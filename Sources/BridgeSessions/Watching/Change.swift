/// One committed change, as watches report it.
public struct Change: Sendable {
  public enum Kind: Sendable {
    case registered
    case valueChanged
    case deleted
  }

  public let kind: Kind
  /// The session revision of the change; the parts of an atomic batch share one.
  public let revision: Int64
  /// Nanoseconds since 1970.
  public let timestamp: Int64
  /// The version the change made; for a deletion, the last one there was.
  public let variable: Variable
  /// The version before; nil for a registration and a deletion.
  public let previous: Variable?
  /// Whether this is the last change of its revision.
  public internal(set) var isLastInRevision: Bool
  /// Shared by all watches that report the change; made only when one may.
  public let shared: Shared?

  /// Encodings of the change as an update.
  public final class Shared: Sendable {
    public let encodings = Encodings()
    init() {}
  }

  /// About how many bytes the log keeps alive for this change.
  var size: Int { 64 + variable.size }
}
