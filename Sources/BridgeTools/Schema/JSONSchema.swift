internal import BridgeSessions
public import JSON

/// A JSON Schema, compiled: tells what is wrong with a value, place by place.
///
/// What it knows of draft 2020-12: `type`, `enum`, `const`; the bounds of numbers, `multipleOf`; the
/// lengths of strings and `pattern` (PCRE); of objects `properties`, `patternProperties`,
/// `additionalProperties`, `propertyNames`, `required`, `dependentRequired`, `dependentSchemas` and the
/// number of members; of arrays `prefixItems`, `items`, `contains` with its bounds, `uniqueItems` and the
/// length; `allOf`, `anyOf`, `oneOf`, `not`, `if`, `then`, `else`; `$ref` within the schema, `$defs`.
/// `format` and unknown keywords say something to people only. Keywords that would check something and are
/// not known here are refused when the schema is read. Thread-safe.
///
/// Source: https://json-schema.org/draft/2020-12/json-schema-validation
public final class JSONSchema: Sendable {
  /// What is wrong with one place of a value.
  public struct Fault: Sendable, Hashable, CustomStringConvertible {
    /// Where, as a JSON Pointer (RFC 6901); empty for the whole value.
    public let path: String
    /// What is wrong there.
    public let message: String

    /// Both.
    public var description: String { path.isEmpty ? message : "\(path): \(message)" }
  }

  /// More faults than these are not told.
  public static let faultLimit = 20

  /// The schemas that references mean, by the reference; "#" is the whole.
  let nodes: [String: SchemaNode]

  /// Compiles a schema.
  ///
  /// - Throws: `ToolsError` with code `invalidSchema` that says what is wrong with it, and where.
  public init(_ schema: JSON) throws(ToolsError) {
    var reader = SchemaReader(schema)
    nodes = try reader.read()
  }

  /// Compiles the text of a schema.
  ///
  /// - Throws: As the other `init`, also for what is no JSON.
  public convenience init(parsing text: String) throws(ToolsError) {
    let schema: JSON
    do {
      schema = try JSON(parsing: text)
    } catch {
      throw ToolsError(.invalidSchema, "the schema is not JSON: \(error)")
    }
    try self.init(schema)
  }

  /// What is wrong with a value; nothing when it is as the schema says.
  ///
  /// - Parameter searches: What all its patterns may take.
  /// - Throws: `SearchInterruption`.
  func faults(in value: JSON, _ searches: inout SearchBudget) throws -> [Fault] {
    var check = SchemaCheck(self, searches)
    defer { searches = check.searches }
    try check.check(value, against: nodes["#"]!, depth: 0)
    return check.faults
  }

  /// The same, on a thread that may take its time.
  public func faults(in value: JSON) throws -> [Fault] {
    var searches = SearchBudget.ofTool()
    return try faults(in: value, &searches)
  }

  /// What is wrong with a JSON text.
  ///
  /// - Throws: `JSONError` when it is not JSON.
  public func faults(inText text: [UInt8]) throws -> [Fault] {
    try faults(in: try JSON(parsing: text))
  }
}
