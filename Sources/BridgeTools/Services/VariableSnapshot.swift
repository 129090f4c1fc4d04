public import BridgeSessions

/// One version of one variable, as a tool sees it.
public struct VariableSnapshot: Sendable {
  private let storage: Storage

  private enum Storage: Sendable {
    /// A version of a session in this process: nothing is copied.
    case variable(Variable)
    /// A version that came from elsewhere.
    case facts(Facts)
  }

  private final class Facts: Sendable {
    let id, name: String
    let type: ValueType
    let value: Value
    let version: Int32
    let revision, updatedAt: Int64
    let writer, constraintsJSON: String
    let metadata: VariableMetadata

    init(_ facts: VariableFacts) {
      (id, name, type, value) = (facts.id, facts.name, facts.type, facts.value)
      (version, revision, updatedAt) = (facts.version, facts.revision, facts.updatedAt)
      (writer, constraintsJSON) = (facts.writer, facts.constraintsJSON)
      metadata = facts.metadata
    }
  }

  /// A version of a session in this process.
  public init(_ variable: Variable) { storage = .variable(variable) }

  /// A version that came from elsewhere.
  public init(_ facts: VariableFacts) { storage = .facts(Facts(facts)) }

  /// `var_<name>_<n>`.
  public var id: String { read(\.id, \.id) }
  /// The variable's name.
  public var name: String { read(\.name, \.name) }
  /// The variable's type.
  public var type: ValueType { read(\.type, \.type) }
  /// The value of this version.
  public var value: Value { read(\.value, \.value) }
  /// From 1, rises by one a change.
  public var version: Int32 { read(\.version, \.version) }
  /// The session's revision that made this version.
  public var revision: Int64 { read(\.revision, \.revision) }
  /// When it was written, in nanoseconds since 1970.
  public var updatedAt: Int64 { read(\.updatedAt, \.updatedAt) }
  /// Who wrote it.
  public var writer: String { read(\.writerName, \.writer) }
  /// A JSON object; empty where there are no constraints.
  public var constraintsJSON: String { read(\.definition.constraintsJSON, \.constraintsJSON) }

  /// The variable's metadata, overlaid with that of the write.
  public var metadata: VariableMetadata { read(\.metadata, \.metadata) }

  private func read<T>(
    _ ofVariable: (Variable) -> T, _ ofFacts: (Facts) -> T
  ) -> T {
    switch storage {
    case .variable(let variable): ofVariable(variable)
    case .facts(let facts): ofFacts(facts)
    }
  }
}

/// What a version of a variable consists of, for those who have it from elsewhere.
public struct VariableFacts: Sendable {
  /// `var_<name>_<n>`.
  public var id: String
  /// The variable's name.
  public var name: String
  /// The variable's type.
  public var type: ValueType
  /// The value of this version.
  public var value: Value
  /// From 1, rises by one a change.
  public var version: Int32
  /// The session's revision that made this version.
  public var revision: Int64
  /// Nanoseconds since 1970.
  public var updatedAt: Int64
  /// Who wrote it.
  public var writer: String
  /// A JSON object; empty where there are no constraints.
  public var constraintsJSON: String
  /// The variable's metadata, overlaid with that of the write.
  public var metadata: VariableMetadata

  /// The facts of one version.
  public init(
    id: String, name: String, type: ValueType, value: Value, version: Int32, revision: Int64,
    updatedAt: Int64, writer: String, constraintsJSON: String = "", metadata: VariableMetadata = [:]
  ) {
    self.id = id
    self.name = name
    self.type = type
    self.value = value
    self.version = version
    self.revision = revision
    self.updatedAt = updatedAt
    self.writer = writer
    self.constraintsJSON = constraintsJSON
    self.metadata = metadata
  }
}
