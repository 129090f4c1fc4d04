public import BridgeSessions

/// One parameter of a tool.
public struct ParameterDescription: Sendable {
  /// The name; see `ToolName`.
  public var name: String
  public var description: String
  /// What it takes.
  public var type: ToolType
  /// Whether a call must give it.
  public var isRequired: Bool
  /// What a call that does not give it gets; nil for nothing.
  public var defaultValue: ToolValue?
  /// A JSON object; empty where there are none.
  public var constraintsJSON: String
  /// The constraints as they are checked; nil where there are none.
  public var constraints: Constraints?
  /// A JSON Schema for parameters that are JSON: object, array and any. Empty where there is none.
  public let schemaJSON: String
  /// The schema as it is checked; nil where there is none.
  let schema: JSONSchema?

  /// - Throws: `SessionError` when the constraints, and `ToolsError` when the schema is malformed, or the
  ///   default is against them.
  public init(
    name: String, description: String, type: ToolType, isRequired: Bool,
    defaultValue: ToolValue? = nil, constraintsJSON: String = "", schemaJSON: String = ""
  ) throws {
    self.name = name
    self.description = description
    self.type = type
    self.isRequired = isRequired
    self.defaultValue = defaultValue
    self.constraintsJSON = constraintsJSON
    self.schemaJSON = schemaJSON
    schema = try DeclaredSchema.compile(schemaJSON, for: type)
    if !constraintsJSON.isEmpty {
      guard case .value(let valueType) = type else {
        throw SessionError(
          .invalidValue, "parameter \(name): type \(type.name) takes no constraints")
      }
      constraints = try Constraints(json: constraintsJSON, for: valueType)
    }
    var searches = SearchBudget.ofTool()
    if case .value(let value, let type) = defaultValue, let constraints {
      self.defaultValue = .value(try constraints.admit(value, &searches), type)
    }
    if case .json(let text, _) = defaultValue {
      try DeclaredSchema.check(text, schema, &searches)
    }
  }
}
