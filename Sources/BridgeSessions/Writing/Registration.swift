/// A variable that is about to be created, checked as far as it can be without its session.
public struct Registration: Sendable {
  let name: String
  let type: ValueType
  let rules: Variable.Definition.Rules?
  let payload: Payload
  let metadata: VariableMetadata

  /// - Parameters:
  ///   - constraints: A JSON object; empty for none.
  ///   - accessControl: A JSON object, see `AccessRules`; empty for none.
  /// - Throws: `SessionError`: `invalidValue`, `invalidArgument`; `SearchInterruption`.
  public init(
    name: String, type: ValueType, constraints: String, accessControl: String, payload: Payload,
    metadata: VariableMetadata, limits: SessionLimits, searches: inout SearchBudget
  ) throws {
    try Self.check(name, limits)
    self.name = name
    self.type = type
    self.rules = try Variable.Definition.Rules(
      constraints: constraints, accessControl: accessControl, type: type)
    self.payload = try payload.admitted(by: rules?.constraints, &searches)
    self.metadata = metadata
  }

  /// - Throws: `SessionError` with code `invalidArgument` for what no variable may be called.
  static func check(_ name: String, _ limits: SessionLimits) throws(SessionError) {
    try NameRules.check(name, "variable name", length: limits.nameLength, forbids: "*")
  }
}
