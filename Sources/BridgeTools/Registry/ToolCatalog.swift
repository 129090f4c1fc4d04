/// All tools at one moment. A change of the registry makes a new catalog.
public final class ToolCatalog: Sendable {
  private let tools: [String: RegisteredTool]
  /// The tools' descriptions, by name.
  public let descriptions: [ToolDescription]

  init(_ tools: [String: RegisteredTool] = [:]) {
    self.tools = tools
    descriptions = tools.values.map(\.description).sorted { $0.name < $1.name }
  }

  /// How many tools there are.
  public var count: Int { tools.count }

  /// The tool of a name.
  public subscript(name: String) -> RegisteredTool? { tools[name] }

  /// The catalog without the tools of some generations, and with others.
  ///
  /// - Throws: `ToolsError` with code `nameTaken`.
  func replacing(
    _ old: [ProviderGeneration], with new: [RegisteredTool]
  ) throws(ToolsError) -> ToolCatalog {
    var result = tools
    if !old.isEmpty {
      result = result.filter { tool in !old.contains { $0 === tool.value.generation } }
    }
    for tool in new {
      let name = tool.description.name
      if let other = result[name] {
        throw ToolsError(
          .nameTaken,
          "the tool \(name) is there already, from plugin \(other.description.plugin)",
          details: ["tool": name, "plugin": other.description.plugin])
      }
      result[name] = tool
    }
    return ToolCatalog(result)
  }
}
