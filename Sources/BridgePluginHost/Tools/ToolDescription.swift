public import BridgeSessions

/// What a tool says of itself.
public struct ToolDescription: Sendable {
  public var name: String
  public var description: String
  public var parameters: [ParameterDescription]
  /// The plugin that serves it.
  public var plugin: String
  public var streams = false
  public var isReadOnly = false
  public var isDestructive = false
  public var isIdempotent = false
  /// Whether only one call of its plugin's serial tools may run at a time.
  public var isSerial = false
  /// Variables it reads and writes; empty lists, both, stand for any.
  public var reads: [String] = []
  public var writes: [String] = []

  public init(name: String, description: String, parameters: [ParameterDescription], plugin: String)
  {
    self.name = name
    self.description = description
    self.parameters = parameters
    self.plugin = plugin
  }
}

/// One parameter of a tool.
public struct ParameterDescription: Sendable {
  public var name: String
  public var description: String
  public var type: ToolType
  public var isRequired: Bool
  public var defaultValue: ToolValue?
  /// A JSON object; empty where there are none.
  public var constraintsJSON: String
  public var constraints: Constraints?

  /// - Throws: `SessionError` when the constraints are malformed or the default is against them.
  public init(
    name: String, description: String, type: ToolType, isRequired: Bool,
    defaultValue: ToolValue? = nil, constraintsJSON: String = ""
  ) throws {
    self.name = name
    self.description = description
    self.type = type
    self.isRequired = isRequired
    self.defaultValue = defaultValue
    self.constraintsJSON = constraintsJSON
    if !constraintsJSON.isEmpty {
      guard case .value(let valueType) = type else {
        throw SessionError(
          .invalidValue, "parameter \(name): type \(type.name) takes no constraints")
      }
      constraints = try Constraints(json: constraintsJSON, for: valueType)
    }
    if case .value(let value, let type) = defaultValue, let constraints {
      self.defaultValue = .value(try constraints.admit(value), type)
    }
  }
}
