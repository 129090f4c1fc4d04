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

  private init(_ other: Parameter, constraints: JSONText?, schema: String) {
    name = other.name
    description = other.description
    defaultValue = other.defaultValue
    type = other.type
    self.constraints = constraints
    self.schema = schema
  }

  /// The same parameter with examples: values for people to see, and for tests of the plugin to call it with.
  ///
  ///     let limit = Parameter<Int>("limit", "How many at most.", range: 1...100).examples(1, 20)
  ///
  /// The first ones of all parameters of a tool make its first example, and so on. Bytes have none.
  public func examples(_ values: Value...) -> Parameter {
    guard type != .bytes else { return self }
    let json = JSONText.array(values.map { $0 as any ToolValueConvertible }).text
    switch type {
    case .object, .array, .any:
      return Parameter(self, constraints: constraints, schema: Self.adding(json, to: schema))
    default:
      let text = Self.adding(json, to: constraints?.text ?? "")
      return Parameter(self, constraints: JSONText(text, kind: .object), schema: schema)
    }
  }

  /// An object's text with one more member. What is no object stays as it is: the host says so.
  private static func adding(_ examples: String, to object: String) -> String {
    if object.isEmpty { return "{\"examples\":\(examples)}" }
    guard let brace = object.firstIndex(of: "{") else { return object }
    let rest = object[object.index(after: brace)...]
    let isEmpty = rest.first { !$0.isWhitespace } == "}"
    return "{\"examples\":\(examples)\(isEmpty ? "" : ",")\(rest)"
  }

  /// A parameter of which the type says everything. An enum of strings has its cases as choices.
  public init(_ name: String, _ description: String, default defaultValue: Value? = nil) {
    let choices: [any ToolValueConvertible] = Value.choices
    self.init(
      name, description, defaultValue,
      constraints: choices.isEmpty ? [] : [("choices", JSONText.array(choices))])
  }
}
