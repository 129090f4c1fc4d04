internal import BridgeSessions
internal import BridgeTools
internal import JSON

/// The signature of one C function, and the tool it becomes.
struct NativeSignature: Sendable {
  struct Parameter: Sendable {
    let name: String
    let description: String
    let type: NativeType
    /// The array parameter whose length this one is; then it is none of the tool's.
    let lengthOf: String?
    /// Whether the function writes to the array; then the array is a result too.
    let isInOut: Bool
  }

  var toolName: String
  let symbol: String
  let description: String
  let parameters: [Parameter]
  let returns: NativeType

  init(_ tool: JSON) throws(PluginError) {
    toolName = try tool.name("name")
    do throws(PluginError) {
      try tool.checkKeys(["name", "symbol", "description", "parameters", "returns"])
      symbol = try tool.text("symbol")
      description = try tool.optionalText("description")
      returns = try JSONPlace.Step.key("returns").within { () throws(PluginError) in
        try Self.returned(tool["returns"])
      }
      guard case .array(let list) = tool["parameters"] ?? .array([]) else {
        throw PluginError("\"parameters\" must be an array", at: "parameters")
      }
      parameters = try JSONPlace.Step.key("parameters").within { () throws(PluginError) in
        let parameters = try list.readEach { (parameter) throws(PluginError) in
          try Self.parameter(parameter)
        }
        try Self.check(parameters)
        return parameters
      }
    } catch {
      throw error.saying("tool \(toolName): \(error)")
    }
  }

  private static func returned(_ object: JSON?) throws(PluginError) -> NativeType {
    guard let object else { return .void }
    try object.checkKeys(["type", "description"])
    let type = try type(object)
    if case .array = type { throw PluginError("a function cannot return an array", at: "type") }
    return type
  }

  private static func type(_ object: JSON) throws(PluginError) -> NativeType {
    let name = try object.text("type")
    guard let type = NativeType(name) else {
      throw PluginError("unknown type \"\(name)\"", at: "type")
    }
    return type
  }

  private static func parameter(_ object: JSON) throws(PluginError) -> Parameter {
    let name = try object.name("name")
    try object.checkKeys(["name", "type", "description", "direction", "length_of"])
    let type = try type(object)
    let direction = try object.optionalText("direction")
    let lengthOf = try object.optionalText("length_of")
    if type == .void { throw PluginError("parameter \(name) cannot be void", at: "type") }
    switch direction {
    case "", "in": break
    case "inout":
      guard case .array = type else {
        throw PluginError("parameter \(name): only arrays can be inout", at: "direction")
      }
    default:
      throw PluginError(
        "parameter \(name): unknown direction \"\(direction)\"; use in or inout", at: "direction")
    }
    return Parameter(
      name: name, description: try object.optionalText("description"), type: type,
      lengthOf: lengthOf.isEmpty ? nil : lengthOf, isInOut: direction == "inout")
  }

  private static func check(_ parameters: [Parameter]) throws(PluginError) {
    var seen: Set<String> = []
    func fault(_ index: Int, _ message: String) -> PluginError {
      var error = PluginError(message)
      error.place = JSONPlace([.index(index)])
      return error
    }
    for (index, parameter) in parameters.enumerated() {
      guard seen.insert(parameter.name).inserted else {
        throw fault(index, "parameter \(parameter.name) is declared twice")
      }
      guard let target = parameter.lengthOf else { continue }
      let isArray = parameters.contains {
        if case .array = $0.type { $0.name == target } else { false }
      }
      guard isArray, parameter.type.toolType == .integer else {
        throw fault(
          index,
          "parameter \(parameter.name): length_of must name an array parameter, and the type must "
            + "be a whole number")
      }
    }
    for (index, parameter) in parameters.enumerated() {
      guard case .array = parameter.type else { continue }
      guard parameters.contains(where: { $0.lengthOf == parameter.name }) else {
        throw fault(
          index,
          "array \(parameter.name) has no parameter with \"length_of\": \"\(parameter.name)\": the "
            + "function could not know where it ends")
      }
    }
  }

  /// The tool as clients see it.
  func describe(plugin: String) throws(PluginError) -> ToolDescription {
    var described: [ParameterDescription] = []
    for parameter in parameters where parameter.lengthOf == nil {
      do {
        described.append(
          try ParameterDescription(
            name: parameter.name, description: parameter.description,
            type: .value(parameter.type.toolType!), isRequired: true,
            constraintsJSON: parameter.type.range.map {
              "{\"min\":\($0.lowerBound),\"max\":\($0.upperBound)}"
            } ?? ""))
      } catch {
        throw PluginError("tool \(toolName): \(error)")
      }
    }
    return ToolDescription(
      name: toolName, description: description, parameters: described, plugin: plugin)
  }
}
