internal import BridgeSessions
internal import JSON

/// JSON Schemas that tools declare for parameters and results.
enum DeclaredSchema {
  /// Compiles a schema; nil for an empty text.
  ///
  /// - Throws: `ToolsError` with code `invalidSchema`, also for a type that is not JSON.
  static func compile(_ text: String, for type: ToolType?) throws(ToolsError) -> JSONSchema? {
    if text.isEmpty { return nil }
    switch type {
    case .object, .array, .any: return try JSONSchema(parsing: text)
    case .value, .bytes, nil:
      throw ToolsError(
        .invalidSchema,
        "type \(type?.name ?? "null") takes no JSON Schema; object, array and any do")
    }
  }

  /// Holds a JSON text to a schema.
  ///
  /// - Throws: `ToolsError` with code `invalidParameter` that tells all faults; `SearchInterruption`.
  static func check(
    _ text: [UInt8], _ schema: JSONSchema?, _ searches: inout SearchBudget
  ) throws {
    try text.withUnsafeBytes { try check($0, schema, &searches) }
  }

  /// The same for a text in other memory.
  static func check(
    _ text: UnsafeRawBufferPointer, _ schema: JSONSchema?, _ searches: inout SearchBudget
  ) throws {
    guard let schema else { return }
    let faults = try schema.faults(in: try JSON.read(text) { $0.value() }, &searches)
    if faults.isEmpty { return }
    throw ToolsError(
      .invalidParameter, faults.map(\.description).joined(separator: "; "),
      details: ["path": faults[0].path])
  }
}
