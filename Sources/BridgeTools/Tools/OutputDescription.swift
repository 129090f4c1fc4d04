internal import BridgeSessions

/// What a tool answers, as it declares it. Results are held to it.
public struct OutputDescription: Sendable {
  /// The type; nil where there is no result.
  public let type: ToolType?
  /// What it means; empty where nothing is said.
  public var description: String
  /// A JSON object, of variables' types; empty where there are none.
  public let constraintsJSON: String
  /// A JSON Schema, of object, array and any; empty where there is none.
  public let schemaJSON: String
  /// What holds results to it.
  let check: OutputCheck

  /// - Throws: `SessionError` for constraints and `ToolsError` for a schema that is malformed or does not
  ///   go with the type.
  public init(
    type: ToolType?, description: String = "", constraintsJSON: String = "", schemaJSON: String = ""
  ) throws {
    self.type = type
    self.description = description
    self.constraintsJSON = constraintsJSON
    self.schemaJSON = schemaJSON
    var constraints: Constraints?
    if !constraintsJSON.isEmpty {
      guard case .value(let valueType) = type else {
        throw SessionError(.invalidValue, "the result's type takes no constraints")
      }
      constraints = try Constraints(json: constraintsJSON, for: valueType)
    }
    check = OutputCheck(
      type: type, constraints: constraints,
      schema: try DeclaredSchema.compile(schemaJSON, for: type))
  }
}

/// Holds results to what a tool declares.
final class OutputCheck: Sendable {
  private let type: ToolType?
  private let constraints: Constraints?
  private let schema: JSONSchema?

  init(type: ToolType?, constraints: Constraints?, schema: JSONSchema?) {
    self.type = type
    self.constraints = constraints
    self.schema = schema
  }

  /// A result as it is declared: of the type, as far as nothing is lost.
  ///
  /// - Throws: `SessionError` or `ToolsError` that says what is wrong with it; `SearchInterruption`.
  func admit(_ value: ToolValue, _ searches: inout SearchBudget) throws -> ToolValue {
    switch (type, value) {
    case (nil, .null): return value
    case (_, .donated(let donated)): return try admit(donated, &searches)
    case (.value(let type), _) where value != .null:
      let converted = try value.converted(to: type)
      return .value(try constraints?.admit(converted, &searches) ?? converted, type)
    case (.bytes, .bytes): return value
    case (.object, .json(let text, _)), (.array, .json(let text, _)), (.any, .json(let text, _)):
      let type = type ?? .any
      let text = try CheckedJSON.check(text, is: type)
      try DeclaredSchema.check(text, schema, &searches)
      return .json(text, type)
    case (.any, .value) where schema == nil: return value
    default:
      throw ToolsError(
        .invalidParameter, "expected \(type?.name ?? "no result"), got \(value.typeName)")
    }
  }

  private func admit(_ value: DonatedValue, _ searches: inout SearchBudget) throws -> ToolValue {
    switch (type, value.content) {
    case (.bytes, .bytes): return .donated(value)
    case (.value(let type), .numbers(let own, _, _)) where type == own && constraints == nil:
      return .donated(value)
    case (.object, .json), (.array, .json), (.any, .json):
      let isAsItIs = try value.memory.withUnsafeBytes { text in
        guard try CheckedJSON.open(text, as: type ?? .any) == nil else { return false }
        try DeclaredSchema.check(text, schema, &searches)
        return true
      }
      return isAsItIs ? .donated(value) : try admit(value.copy, &searches)
    default: return try admit(value.copy, &searches)
    }
  }
}
