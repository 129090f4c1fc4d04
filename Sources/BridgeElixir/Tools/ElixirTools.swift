internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools

/// The tools that Elixir has exposed to one session, as one unit.
final class ElixirTools: ToolProvider {
  /// What tools say of who serves them.
  static let provider = "elixir"
  let id = provider
  let name = provider
  let version = ""
  let tools: [any Tool]

  init(_ descriptions: [ToolDescription], _ connection: ElixirConnection) {
    tools = descriptions.map { ElixirTool($0, connection) }
  }

  func retire() {}
}

/// A tool that is written in Elixir: its calls are handed on.
private final class ElixirTool: Tool {
  let description: ToolDescription
  private let connection: ElixirConnection

  init(_ description: ToolDescription, _ connection: ElixirConnection) {
    self.description = description
    self.connection = connection
  }

  func run(_ call: ToolCall) { ElixirCall(call, connection).begin() }
}

extension ToolDescription {
  /// A tool as Elixir describes it: texts for people, which Elixir itself does not hold anybody to.
  ///
  /// Parameters of types that are none here take any JSON, and so do those that it does not declare.
  ///
  /// - Returns: nil for a name that no tool can have here.
  init?(elixir spec: Snakepit_Bridge_ToolSpec) {
    guard ToolName.isValid(spec.name) else { return nil }
    var parameters: [ParameterDescription] = []
    for parameter in spec.parameters
    where ToolName.isValid(parameter.name)
      && !parameters.contains(where: { $0.name == parameter.name })
    {
      let type = ToolType(elixir: parameter.type)
      let json = Array(parameter.defaultValue.value)
      let isDefault = parameter.hasDefaultValue && !json.isEmpty
      // Without constraints, and with a default that is JSON of the type, nothing is malformed.
      if let described = try? ParameterDescription(
        name: parameter.name, description: parameter.description_p, type: type,
        isRequired: parameter.required,
        defaultValue: isDefault ? ToolValue(json: json, as: type) : nil)
      {
        parameters.append(described)
      }
    }
    self.init(
      name: spec.name, description: spec.description_p, parameters: parameters,
      plugin: ElixirTools.provider)
    takesUndeclared = true
    isOpenWorld = true
    isIdempotent = spec.metadata["idempotent"] == "true"
    execution = .forwarded
  }
}

extension ToolType {
  /// The type of a name in Elixir.
  fileprivate init(elixir name: String) {
    switch name {
    case "string": self = .value(.string)
    case "integer": self = .value(.integer)
    case "float", "number": self = .value(.float)
    case "boolean": self = .value(.boolean)
    case "map", "object": self = .object
    case "list", "array": self = .array
    default: self = .any
    }
  }
}

extension ToolValue {
  /// A value of JSON text; nil where it is no value of the type.
  fileprivate init?(json text: [UInt8], as type: ToolType) {
    switch type {
    case .value(let type):
      guard let value = try? Value(json: text, as: type) else { return nil }
      self = .value(value, type)
    case .object, .array, .any:
      guard let text = try? CheckedJSON.check(text, is: type) else { return nil }
      self = .json(text, type)
    case .bytes: return nil
    }
  }
}
