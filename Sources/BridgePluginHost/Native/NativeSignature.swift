internal import BridgeSessions
internal import BridgeTools
internal import JSON

/// The signature of one C function, and the tool it becomes.
struct NativeSignature: Sendable {
  enum Direction: String, Sendable {
    case `in`
    case out
    case inOut = "inout"
  }

  /// What the host puts into a parameter that is none of the tool's.
  enum Source: Sendable {
    /// The tool's argument.
    case argument
    /// How many elements another parameter's memory has: those given, or that it has room for.
    case length(of: Int)
    /// The length of a dimension of a tensor.
    case dimension(of: Int, axis: Int)
    /// Always the same; nil for a null pointer.
    case constant(Value?)
    /// The value of a variable of the session.
    case variable(String)
  }

  /// How much room there is for what a function writes.
  struct Capacity: Sendable {
    /// Elements, beside `times` the parameter's.
    let plus: Int
    /// An integer, or something with a length.
    let parameter: Int?
    let times: Int
  }

  struct Parameter: Sendable {
    let name: String
    let description: String
    let type: NativeType
    let direction: Direction
    let source: Source
    /// Whether it may be left out: the function gets a null pointer.
    let isNullable: Bool
    let defaultValue: JSON?
    /// Of memory that the host gives to a function which writes into it.
    let capacity: Capacity?
    /// What frees that which an out parameter leads to.
    let free: String?
    /// Whether the function frees the handle.
    let destroys: Bool
    /// The variable that the result is written to.
    let target: String?
    /// Whether an array has several dimensions.
    let isTensor: Bool
    /// Whether the function cannot write to it: it is not copied.
    let isConstant: Bool
    /// Whether the function takes it; else it only says how much room another one has.
    let isPassed: Bool

    var isTools: Bool {
      guard case .argument = source, direction != .out else { return false }
      return type.toolType() != nil
    }
    /// Whether it is a part of the result.
    var isResult: Bool {
      guard direction != .in else { return false }
      if case .length = source { return false }
      return true
    }
  }

  /// What a function returns.
  struct Returned: Sendable {
    var type = NativeType.void
    var description = ""
    /// What frees it.
    var free: String?
    /// The parameter that says how many elements there are.
    var length: Int?
    /// The variable that it is written to.
    var target: String?
  }

  /// How a function says that it has failed.
  struct ErrorRule: Sendable {
    enum Condition: String, Sendable {
      case negative, nonzero, zero, null
    }
    let condition: Condition
    /// Whether `errno` says why.
    let usesErrno: Bool
    /// A function that has a text for the number that was returned.
    let message: String?
  }

  var toolName: String
  let symbol: String
  let description: String
  let parameters: [Parameter]
  let returns: Returned
  let error: ErrorRule?

  /// Whether what is returned is a part of the result: what only tells of errors is none.
  var returnsResult: Bool {
    if case .void = returns.type { return false }
    return error?.condition != .nonzero
  }

  /// Functions that are called beside it, by their names.
  var helpers: [String] {
    var names = parameters.compactMap(\.free) + [returns.free, error?.message].compactMap { $0 }
    for type in parameters.map(\.type) + [returns.type] {
      if case .handle(let handle) = type { names.append(handle.destroy) }
    }
    return names
  }

  init(_ tool: JSON, _ declarations: NativeDeclarations) throws(PluginError) {
    toolName = try tool.name("name")
    do throws(PluginError) {
      try tool.checkKeys(["name", "symbol", "description", "parameters", "returns", "error"])
      symbol = try tool.text("symbol")
      description = try tool.optionalText("description")
      guard case .array(let list) = tool["parameters"] ?? .array([]) else {
        throw PluginError("\"parameters\" must be an array", at: "parameters")
      }
      let places = try NativePlaces(list)
      parameters = try JSONPlace.Step.key("parameters").within { () throws(PluginError) in
        let parameters = try list.readEach { (parameter) throws(PluginError) in
          try NativeParameterReader(parameter, places, declarations).parameter()
        }
        try Self.check(parameters)
        return parameters
      }
      let read = parameters
      returns = try JSONPlace.Step.key("returns").within { () throws(PluginError) in
        try Self.returned(tool["returns"], read, places, declarations)
      }
      let type = returns.type
      error = try JSONPlace.Step.key("error").within { () throws(PluginError) in
        try Self.errorRule(tool["error"], type)
      }
      try checkBytes()
    } catch {
      throw error.saying("tool \(toolName): \(error)")
    }
  }

  /// JSON has no bytes: they are the whole result, or no part of it.
  private func checkBytes() throws(PluginError) {
    let results = parameters.filter(\.isResult).map(\.type) + (returnsResult ? [returns.type] : [])
    let hasBytes = results.contains { if case .bytes = $0 { true } else { false } }
    guard !hasBytes || results.count == 1 else {
      throw PluginError(
        "a function that answers bytes can answer nothing else; \"error\" with \"when\": \"nonzero\" takes a "
          + "returned status out of the result", at: "parameters")
    }
  }

  private static func returned(
    _ object: JSON?, _ parameters: [Parameter], _ places: NativePlaces,
    _ declarations: NativeDeclarations
  ) throws(PluginError) -> Returned {
    var returned = Returned()
    guard let object else { return returned }
    try object.checkKeys(["type", "description", "free", "length", "variable"])
    returned.type = try NativeParameterReader.type(object, declarations)
    returned.description = try object.optionalText("description")
    returned.free = try object.optionalText("free").nilIfEmpty
    returned.target = try object.optionalText("variable").nilIfEmpty
    switch returned.type {
    case .array, .bytes:
      let name = try object.optionalText("length")
      guard !name.isEmpty else {
        throw PluginError(
          "what is returned needs \"length\": the name of an out parameter that says how many elements there are",
          at: "type")
      }
      let place = try places.place(name, at: "length")
      guard parameters[place].direction != .in, case .scalar(let scalar) = parameters[place].type,
        scalar.toolType == .integer
      else {
        throw PluginError(
          "\"length\" must name an out parameter that is a whole number", at: "length")
      }
      returned.length = place
    case .callback: throw PluginError("a function cannot return a callback", at: "type")
    case .void, .scalar, .string, .structure, .structurePointer, .handle: break
    }
    return returned
  }

  private static func errorRule(_ object: JSON?, _ type: NativeType) throws(PluginError)
    -> ErrorRule?
  {
    guard let object else { return nil }
    try object.checkKeys(["when", "errno", "message"])
    let word = try object.text("when")
    guard let condition = ErrorRule.Condition(rawValue: word) else {
      throw PluginError(
        "unknown condition \"\(word)\"; there are negative, nonzero, zero and null", at: "when")
    }
    let isTold =
      switch type {
      case .string, .bytes, .array, .structurePointer, .handle: condition == .null
      case .scalar: condition != .null
      case .void, .structure, .callback: false
      }
    guard isTold else {
      throw PluginError("\"\(word)\" says nothing of what the function returns", at: "when")
    }
    let usesErrno: Bool
    switch object["errno"] {
    case nil: usesErrno = false
    case .boolean(let flag)?: usesErrno = flag
    default: throw PluginError("must be true or false", at: "errno")
    }
    return ErrorRule(
      condition: condition, usesErrno: usesErrno,
      message: try object.optionalText("message").nilIfEmpty)
  }

  private static func check(_ parameters: [Parameter]) throws(PluginError) {
    func fault(_ index: Int, _ message: String) -> PluginError {
      var error = PluginError(message)
      error.place = JSONPlace([.index(index)])
      return error
    }
    for (index, parameter) in parameters.enumerated() {
      switch parameter.source {
      case .length(let target):
        guard parameters[target].type.needsLength, case .scalar(let scalar) = parameter.type,
          scalar.toolType == .integer
        else {
          throw fault(
            index,
            "parameter \(parameter.name): length_of must name a parameter that is an array or bytes, and the type "
              + "must be a whole number")
        }
      case .dimension(let target, _):
        guard case .array = parameters[target].type, case .scalar(let scalar) = parameter.type,
          scalar.toolType == .integer
        else {
          throw fault(
            index,
            "parameter \(parameter.name): dimension_of must name an array, and the type must be a whole number"
          )
        }
      case .argument, .constant, .variable: break
      }
      guard parameter.type.needsLength else { continue }
      let isSaid = parameters.contains {
        switch $0.source {
        case .length(let target): target == index
        case .dimension(let target, _): target == index
        case .argument, .constant, .variable: false
        }
      }
      let isNull = if case .constant(nil) = parameter.source { true } else { false }
      guard isSaid || isNull || parameter.capacity != nil else {
        throw fault(
          index,
          "\(parameter.name) has no parameter with \"length_of\": \"\(parameter.name)\": the function could not "
            + "know where it ends")
      }
      guard parameter.direction != .out || parameter.capacity != nil || parameter.free != nil else {
        throw fault(
          index,
          "\(parameter.name) is written by the function: say \"capacity\", how much room it has, or \"free\", what "
            + "frees the memory that the function makes")
      }
    }
  }

  /// The tool as clients see it.
  func describe(plugin: String) throws(PluginError) -> ToolDescription {
    var described: [ParameterDescription] = []
    for parameter in parameters where parameter.isTools {
      do {
        described.append(try Self.describe(parameter))
      } catch {
        throw PluginError("tool \(toolName): parameter \(parameter.name): \(error)")
      }
    }
    var tool = ToolDescription(
      name: toolName, description: description, parameters: described, plugin: plugin)
    for parameter in parameters {
      if case .variable(let name) = parameter.source { tool.reads.append(name) }
      if let target = parameter.target { tool.writes.append(target) }
    }
    if let target = returns.target { tool.writes.append(target) }
    return tool
  }

  private static func describe(_ parameter: Parameter) throws -> ParameterDescription {
    var constraints = ""
    var schema = ""
    switch parameter.type {
    case .scalar(let scalar):
      if let range = scalar.range {
        constraints = #"{"min":\#(range.lowerBound),"max":\#(range.upperBound)}"#
      }
    case .structure(let structure), .structurePointer(let structure): schema = structure.schema.text
    case .callback: constraints = #"{"enum":["ascending","descending"]}"#
    case .void, .string, .bytes, .array, .handle: break
    }
    let type = parameter.type.toolType(isTensor: parameter.isTensor)!
    var value: ToolValue?
    if let given = parameter.defaultValue {
      value =
        switch type {
        case .value(let valueType):
          .value(try Value(json: Array(given.text.utf8), as: valueType), valueType)
        default: .json(Array(given.text.utf8), type)
        }
    } else if case .callback = parameter.type {
      value = .value(.string("ascending"), .string)
    }
    return try ParameterDescription(
      name: parameter.name, description: parameter.description, type: type,
      isRequired: value == nil && !parameter.isNullable, defaultValue: value,
      constraintsJSON: constraints,
      schemaJSON: schema)
  }
}

extension String {
  var nilIfEmpty: String? { isEmpty ? nil : self }
}
