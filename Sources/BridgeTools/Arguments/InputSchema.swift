public import JSON
internal import BridgeSessions

extension ToolDescription {
  /// The parameters as a JSON Schema.
  ///
  /// Source: https://json-schema.org/draft/2020-12
  public var inputSchema: JSON {
    .object([
      .init(key: "$schema", value: .string("https://json-schema.org/draft/2020-12/schema")),
      .init(key: "type", value: .string("object")),
      .init(
        key: "properties",
        value: .object(parameters.map { .init(key: $0.name, value: $0.inputSchema) })),
      .init(
        key: "required",
        value: .array(parameters.filter(\.isRequired).map { .string($0.name) })),
      .init(key: "additionalProperties", value: .boolean(takesUndeclared)),
    ])
  }
}

extension ToolDescription {
  /// The result as a JSON Schema; nil where the tool does not declare one.
  public var outputSchema: JSON? {
    output.map { output in
      guard let type = output.type else {
        return .object([.init(key: "type", value: .string("null"))])
      }
      return type.schema(
        "urn:bridge-host:\(name):result", description: output.description,
        constraintsJSON: output.constraintsJSON, schemaJSON: output.schemaJSON)
    }
  }
}

extension ParameterDescription {
  fileprivate var inputSchema: JSON {
    type.schema(
      "urn:bridge-host:parameter:\(name)", description: description, defaultJSON: defaultJSON,
      constraintsJSON: constraintsJSON, schemaJSON: schemaJSON)
  }

  private var defaultJSON: JSON? {
    switch defaultValue {
    case .value(let value, let type): try? JSON(parsing: value.json(as: type))
    case .json(let text, _): try? JSON(parsing: text)
    case .null: .null
    case .bytes, .donated, nil: nil
    }
  }
}

extension ToolType {
  /// A JSON Schema of what the type and a declaration say together.
  ///
  /// - Parameter id: The name of a declared schema with references in it: they are meant within it.
  fileprivate func schema(
    _ id: String, description: String, defaultJSON: JSON? = nil, constraintsJSON: String,
    schemaJSON: String
  ) -> JSON {
    var members = typeMembers
    if case .object(let declared) = try? JSON(parsing: schemaJSON) {
      members.removeAll { member in declared.contains { $0.key == member.key } }
      if schemaJSON.contains("\"$ref\"") {
        members.append(.init(key: "$id", value: .string(id)))
      }
      members += declared
    }
    if !description.isEmpty {
      members.removeAll { $0.key == "description" }
      members.append(.init(key: "description", value: .string(description)))
    }
    if let defaultJSON {
      members.removeAll { $0.key == "default" }
      members.append(.init(key: "default", value: defaultJSON))
    }
    if let object = try? JSON(parsing: constraintsJSON) { members += Self.keywords(of: object) }
    return .object(members)
  }

  private var typeMembers: [JSON.Member] {
    func member(_ name: String) -> JSON.Member { .init(key: "type", value: .string(name)) }
    switch self {
    case .value(.float): return [member("number")]
    case .value(.integer): return [member("integer")]
    case .value(.boolean): return [member("boolean")]
    case .value(.string), .value(.choice), .value(.module): return [member("string")]
    case .value(.embedding):
      return [
        member("array"),
        .init(key: "items", value: .object([.init(key: "type", value: .string("number"))])),
      ]
    case .value(.tensor):
      return [
        member("object"),
        .init(key: "required", value: .array([.string("shape"), .string("data")])),
      ]
    case .object: return [member("object")]
    case .array: return [member("array")]
    // Bytes have no JSON: they travel in binary_parameters.
    case .bytes: return [.init(key: "$comment", value: .string("bytes, in binary_parameters"))]
    case .any: return []
    }
  }

  /// Our constraints under the names JSON Schema has for them.
  private static func keywords(of constraints: JSON) -> [JSON.Member] {
    let names = [
      ("min", "minimum"), ("max", "maximum"), ("min_length", "minLength"),
      ("max_length", "maxLength"), ("pattern", "pattern"), ("choices", "enum"),
      ("allowed_modules", "enum"), ("examples", "examples"),
    ]
    var members = names.compactMap { ours, theirs in
      constraints[ours].map { JSON.Member(key: theirs, value: $0) }
    }
    if let dimensions = constraints["dimensions"] {
      members.append(.init(key: "minItems", value: dimensions))
      members.append(.init(key: "maxItems", value: dimensions))
    }
    return members
  }
}
