/// A typed parameter: a stored property of a tool.
///
///     let limit = Parameter<Int>("limit", "How many at most.", default: 10, range: 1...100)
///     let unit = Parameter<String?>("unit", "The unit, if there is one.")
///
/// The host checks calls against it and fills in the default before the tool runs, so reading it
/// with `call[limit]` cannot fail. A parameter without a default is required, unless its type is
/// an `Optional`.
public struct Parameter<Value: ToolValueConvertible>: Sendable {
  /// The name callers use; unique in its tool.
  public let name: String
  /// What it means, for whoever calls.
  public let description: String
  /// What a call without it has.
  public let defaultValue: Value?

  let type: ValueType
  let constraints: JSONText?
  let schema: String

  init(
    _ name: String, _ description: String, _ defaultValue: Value?, type: ValueType? = nil,
    constraints: [(key: String, value: any ToolValueConvertible)], schema: String = ""
  ) {
    self.name = name
    self.description = description
    self.defaultValue = defaultValue
    self.type = type ?? Value.valueType
    self.schema = schema
    self.constraints = constraints.isEmpty ? nil : .object(members: constraints)
  }

  /// A parameter of which the type says everything. An enum of strings has its cases as choices.
  public init(_ name: String, _ description: String, default defaultValue: Value? = nil) {
    let choices: [any ToolValueConvertible] = Value.choices
    self.init(
      name, description, defaultValue,
      constraints: choices.isEmpty ? [] : [("choices", JSONText.array(choices))])
  }
}
