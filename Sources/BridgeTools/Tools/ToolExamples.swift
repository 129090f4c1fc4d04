public import JSON

extension ParameterDescription {
  /// The values that the parameter is shown with: the key `examples` of its constraints or of its JSON Schema, an
  /// array, as JSON Schema has it. Nothing holds them to what the parameter takes.
  public var examples: [JSON] {
    for text in [constraintsJSON, schemaJSON] {
      if case .array(let examples) = (try? JSON(parsing: text))?["examples"] { return examples }
    }
    return []
  }
}

extension ToolDescription {
  /// The calls that the tool is shown with: the arguments of each, in the order of the parameters.
  ///
  /// The first examples of all parameters make the first call, and so on. Where a parameter has fewer than another
  /// one, its last one is taken again if it is required, and else it is left out. A tool with a required parameter
  /// that has no example has no calls.
  public var examples: [[JSON.Member]] {
    let given = parameters.map { (parameter: $0, examples: $0.examples) }
    guard given.allSatisfy({ !$0.parameter.isRequired || !$0.examples.isEmpty }) else { return [] }
    let count = given.map(\.examples.count).max() ?? 0
    return (0..<count).map { index in
      given.compactMap { parameter, examples in
        if index < examples.count {
          return JSON.Member(key: parameter.name, value: examples[index])
        }
        guard parameter.isRequired, let last = examples.last else { return nil }
        return JSON.Member(key: parameter.name, value: last)
      }
    }
  }
}
