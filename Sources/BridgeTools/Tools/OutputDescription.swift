/// What a tool answers.
public struct OutputDescription: Sendable {
  /// The type of the result.
  public var type: ToolType
  /// A JSON Schema of the result; empty where there is none.
  public var schemaJSON: String

  /// What a tool answers.
  public init(type: ToolType, schemaJSON: String = "") {
    self.type = type
    self.schemaJSON = schemaJSON
  }
}
