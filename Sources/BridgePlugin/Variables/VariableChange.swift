internal import BridgePluginABI

/// One change that a watch reports.
public struct VariableChange: Sendable {
  /// What happened. The raw values are those of the ABI.
  public enum Kind: UInt32, Sendable, Hashable {
    /// A variable as it was when the watch began.
    case initial = 1
    /// All initial values have come; there is no variable.
    case synced = 2
    /// A new version; the first one when there was no variable before.
    case value = 3
    /// The variable is gone; what is told is its last version.
    case deleted = 4
    /// The watch is over; there is no variable, and nothing follows.
    case ended = 5
    /// Something the variable depends on changed; its version stays.
    case dependency = 6
    /// An optimizer locked the variable or let go of it; its version stays.
    case optimization = 7
  }

  /// What happened.
  public let kind: Kind
  /// The session's revision of the change.
  public let revision: Int64
  /// When it was made, in nanoseconds since 1970 UTC; 0 where there is no variable.
  public let time: Int64
  /// The version that is new, or was the last.
  public let variable: Variable<ToolValue>?
  /// The version before.
  public let previous: Variable<ToolValue>?
  /// Why the watch ended (cleanup, expired, shutdown, behind), the name of the variable that changed
  /// (`dependency`), or what became of the lock (started, stopped, forced, expired).
  public let cause: String

  /// The new value; nil where the change brings none, as when the variable is gone.
  ///
  /// - Throws: `invalidArgument` when it is of another type.
  public func value<Value: ToolValueConvertible>(
    as type: Value.Type = Value.self
  ) throws(ToolError) -> Value? {
    guard kind == .initial || kind == .value, let variable else { return nil }
    return try variable.typed(as: type).value
  }

  /// What a tool is told that waits for more changes than there are.
  var endError: ToolError {
    ToolError(.aborted, "the watch of the variables has ended: \(cause)", type: "watch_ended")
  }

  /// Copies what the host shows; nil for kinds not known here and for what contradicts itself.
  init?(_ change: UnsafePointer<bridge_change>) {
    guard sizeOf(change) >= FirstRelease.change else { return nil }
    let seen = told(change)
    guard let kind = Kind(rawValue: seen.kind) else { return nil }
    self.kind = kind
    revision = seen.revision
    time = seen.time
    cause = String(seen.cause)
    variable = seen.variable.flatMap { Variable<ToolValue>($0) }
    previous = seen.previous.flatMap { Variable<ToolValue>($0) }
    switch kind {
    case .initial, .value, .deleted, .dependency, .optimization: if variable == nil { return nil }
    case .synced, .ended: break
    }
  }
}
