/// One change that a watch of a tool reports.
public struct VariableChange: Sendable {
  /// What a change is.
  public enum Kind: Sendable, Equatable, CaseIterable {
    /// A variable as it was when the watch began.
    case initial
    /// All initial values have come. There is no variable.
    case synced
    /// A new version; the first one when there was no variable before.
    case value
    /// The variable is gone; `variable` is the last version.
    case deleted
    /// The watch is over, and nothing follows. There is no variable.
    case ended
    /// Something the variable depends on changed; the version stays.
    case dependency
    /// An optimizer locked the variable or let go of it; the version stays.
    case optimization
  }

  /// What the change is.
  public var kind: Kind
  /// The session's revision of the change.
  public var revision: Int64
  /// When it was made, in nanoseconds since 1970; 0 where there is no variable.
  public var time: Int64
  /// The variable as it is after the change; nil where the kind says so.
  public var variable: VariableSnapshot?
  /// The version before; nil where there is none.
  public var previous: VariableSnapshot?
  /// Of `ended`: cleanup, expired, shutdown, behind. Of `dependency`: the name of the variable that
  /// changed. Of `optimization`: started, stopped, forced, expired. Else empty.
  public var cause: String

  /// A change.
  public init(
    _ kind: Kind, revision: Int64, time: Int64 = 0, variable: VariableSnapshot? = nil,
    previous: VariableSnapshot? = nil, cause: String = ""
  ) {
    self.kind = kind
    self.revision = revision
    self.time = time
    self.variable = variable
    self.previous = previous
    self.cause = cause
  }
}
