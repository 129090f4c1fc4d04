internal import BridgeSessions

/// What a tool says of itself, for its calls: they hold it with one reference, where a copy would count
/// those of a dozen texts and lists.
final class DescribedTool: Sendable {
  /// What it says.
  let tool: ToolDescription
  /// What arguments are read with, in the order of the parameters.
  let parameters: [ParameterCheck]
  /// What results are held to; nil where the tool does not say.
  let output: OutputCheck?
  /// Whether its writes are a transaction of their own.
  let isTransaction: Bool
  /// Whether it may use less than all there is.
  let isRestricted: Bool
  /// Whether nothing stands between it and what it may ask for.
  var usesServicesFreely: Bool { !isTransaction && !isRestricted }

  init(_ tool: ToolDescription) {
    self.tool = tool
    parameters = tool.parameters.map(ParameterCheck.init)
    output = tool.output?.check
    isTransaction = tool.isAtomic && !tool.isReadOnly
    isRestricted = tool.declaresVariables || tool.isReadOnly
  }
}

/// Reads arguments as a parameter.
final class ParameterCheck: Sendable {
  let name: String
  let type: ToolType
  let isRequired: Bool
  let defaultValue: ToolValue?
  private let constraints: Constraints?
  private let schema: JSONSchema?

  init(_ parameter: ParameterDescription) {
    name = parameter.name
    type = parameter.type
    isRequired = parameter.isRequired
    defaultValue = parameter.defaultValue
    constraints = parameter.constraints
    schema = parameter.schema
  }

  /// Reads an argument.
  ///
  /// - Throws: `SessionError` or `ToolsError` that says what is wrong with it; `SearchInterruption`.
  func read(
    _ place: Int, of given: some ArgumentList, _ searches: inout SearchBudget
  ) throws -> ToolValue {
    switch type {
    case .value(let type):
      let value = try given.value(at: place, as: type)
      return .value(try constraints?.admit(value, &searches) ?? value, type)
    case .bytes: return .bytes(try given.bytes(at: place))
    case .object, .array, .any:
      let text = try CheckedJSON.check(try given.json(at: place), is: type)
      try DeclaredSchema.check(text, schema, &searches)
      return .json(text, type)
    }
  }
}
