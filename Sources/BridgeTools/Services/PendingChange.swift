public import BridgeSessions

/// A change of one variable that a transaction holds back.
public struct PendingChange: Sendable {
  /// What is to happen.
  public enum Action: Sendable {
    /// Nothing: the variable is only held to `expected`.
    case check
    case write(ToolValue)
    case create(NewVariable)
    /// The variable goes, and another one of its name comes.
    case replace(NewVariable)
    case remove
  }

  /// A version of a variable.
  public struct Version: Sendable, Hashable {
    /// The variable's id; of one that the transaction has created itself, its name.
    public var id: String
    /// The version's number.
    public var number: Int32

    /// Names a version.
    public init(id: String, number: Int32) {
      self.id = id
      self.number = number
    }
  }

  /// The variable's id or name.
  public var identifier: String
  /// What is to happen.
  public var action: Action
  /// The version that the variable must have; nil takes any.
  public var expected: Version?
  /// Kept with the version that the change makes.
  public var metadata: VariableMetadata
  /// The tool that makes the change.
  public var tool: String

  /// A change without a condition.
  public init(
    _ identifier: String, _ action: Action, metadata: VariableMetadata = [:], by tool: String
  ) {
    self.identifier = identifier
    self.action = action
    self.metadata = metadata
    self.tool = tool
  }
}
