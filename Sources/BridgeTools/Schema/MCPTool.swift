public import JSON

extension ToolDescription {
  /// The tool as the Model Context Protocol lists it.
  ///
  /// Source: https://modelcontextprotocol.io/specification/2025-06-18/server/tools
  public var mcpTool: JSON {
    var members: [JSON.Member] = [.init(key: "name", value: .string(name))]
    if !title.isEmpty { members.append(.init(key: "title", value: .string(title))) }
    if !description.isEmpty {
      members.append(.init(key: "description", value: .string(description)))
    }
    members.append(.init(key: "inputSchema", value: inputSchema))
    if let outputSchema {
      members.append(.init(key: "outputSchema", value: Self.objectSchema(outputSchema)))
    }
    members += [
      .init(
        key: "annotations",
        value: .object([
          .init(key: "readOnlyHint", value: .boolean(isReadOnly)),
          .init(key: "destructiveHint", value: .boolean(isDestructive)),
          .init(key: "idempotentHint", value: .boolean(isIdempotent)),
          .init(key: "openWorldHint", value: .boolean(isOpenWorld)),
        ])),
      .init(
        key: "_meta",
        value: .object([
          .init(key: "bridge-host/plugin", value: .string(plugin)),
          .init(key: "bridge-host/streams", value: .boolean(streams)),
        ])),
    ]
    return .object(members)
  }

  /// What is asked of `structuredContent`, which is always an object: a result that is none is its member
  /// `result`.
  private static func objectSchema(_ schema: JSON) -> JSON {
    var members: [JSON.Member] = [
      .init(key: "$schema", value: .string("https://json-schema.org/draft/2020-12/schema"))
    ]
    if case .object(let own) = schema, schema["type"] == .string("object") {
      members += own.filter { $0.key != "$schema" && $0.key != "properties" }
      if let properties = schema["properties"] {
        members.append(.init(key: "properties", value: withoutFlags(properties)))
      }
    } else {
      members += [
        .init(key: "type", value: .string("object")),
        .init(key: "properties", value: .object([.init(key: "result", value: schema)])),
        .init(key: "required", value: .array([.string("result")])),
        .init(key: "additionalProperties", value: .boolean(false)),
      ]
    }
    return .object(members)
  }

  /// The protocol wants an object where JSON Schema also takes true and false.
  private static func withoutFlags(_ properties: JSON) -> JSON {
    guard case .object(let members) = properties else { return properties }
    return .object(
      members.map { member in
        switch member.value {
        case .boolean(true): .init(key: member.key, value: .object([]))
        case .boolean(false):
          .init(
            key: member.key, value: .object([.init(key: "not", value: .object([]))]))
        default: member
        }
      })
  }
}
