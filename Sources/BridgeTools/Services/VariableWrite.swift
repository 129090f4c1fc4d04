public import BridgeSessions

/// A write of one variable by a tool.
public struct VariableWrite: Sendable {
  /// A name or an id.
  public var identifier: String
  /// Converted to the variable's type as far as nothing is lost.
  public var value: ToolValue
  /// Write only if the variable still has this version; 0 does not check.
  public var expectedVersion: Int32
  /// Kept with the new version.
  public var metadata: VariableMetadata
  /// Whether nothing is written, and the variable only held to `expectedVersion`.
  public var isCheckOnly = false

  /// What is to be written.
  public init(
    _ identifier: String, _ value: ToolValue, expectedVersion: Int32 = 0,
    metadata: VariableMetadata = [:]
  ) {
    self.identifier = identifier
    self.value = value
    self.expectedVersion = expectedVersion
    self.metadata = metadata
  }
}

/// A variable that a tool creates.
public struct NewVariable: Sendable {
  /// The name; no variable of the session may have it.
  public var name: String
  /// The type, which stays.
  public var type: ValueType
  /// Converted to the type as far as nothing is lost.
  public var value: ToolValue
  /// A JSON object; empty for none.
  public var constraintsJSON: String
  /// Kept with the variable.
  public var metadata: VariableMetadata

  /// What is to be written.
  public init(
    name: String, type: ValueType, value: ToolValue, constraintsJSON: String = "",
    metadata: VariableMetadata = [:]
  ) {
    self.name = name
    self.type = type
    self.value = value
    self.constraintsJSON = constraintsJSON
    self.metadata = metadata
  }
}
