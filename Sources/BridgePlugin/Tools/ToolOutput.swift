internal import BridgePluginABI

/// What a tool says of its result, for callers who choose among tools; the host holds it to that.
///
/// A tool whose `Output` is of one type declares it without a word. What a JSON object holds is for the
/// tool to say:
///
///     let output = ToolOutput.json(.object, schema: #"{"required": ["words"]}"#)
public struct ToolOutput: Sendable, Hashable {
  let isDeclared: Bool
  let type: ValueType
  let description: String
  let constraints: JSONText?
  let schema: String

  private init(
    _ type: ValueType, _ description: String, constraints: JSONText? = nil, schema: String = "",
    isDeclared: Bool = true
  ) {
    self.isDeclared = isDeclared
    self.type = type
    self.description = description
    self.constraints = constraints
    self.schema = schema
  }

  /// Nothing is said of the result.
  public static let undeclared = ToolOutput(.null, "", isDeclared: false)

  /// There is no result.
  public static let none = ToolOutput(.null, "")

  /// A result of one of the types that are not JSON text.
  ///
  /// - Parameter constraints: An object as for a variable of that type.
  public static func value(
    _ type: ValueType, _ description: String = "", constraints: JSONText? = nil
  ) -> ToolOutput {
    ToolOutput(type, description, constraints: constraints)
  }

  /// JSON text.
  ///
  /// - Parameter schema: A JSON Schema (2020-12) of it.
  public static func json(
    _ kind: JSONText.Kind, _ description: String = "", schema: String = ""
  ) -> ToolOutput {
    ToolOutput(kind.type, description, schema: schema)
  }

  /// What a Swift type says by itself; nothing where a value may be missing or of any type.
  init<Value: ToolValueConvertible>(of _: Value.Type) {
    guard !Value.isOptional, Value.valueType != .any else {
      self = .undeclared
      return
    }
    let choices: [any ToolValueConvertible] = Value.choices
    self.init(
      Value.valueType, "",
      constraints: choices.isEmpty
        ? nil : .object(members: [(key: "choices", value: JSONText.array(choices))]))
  }

  /// Writes the description.
  func describe(in arena: inout Arena) -> bridge_output {
    var output = bridge_output()
    output.size = UInt32(MemoryLayout<bridge_output>.size)
    output.type = type.rawValue
    output.description = arena.view(description)
    if let constraints { output.constraints = arena.view(constraints.text) }
    output.schema = arena.view(schema)
    return output
  }
}
