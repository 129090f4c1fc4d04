import BridgeTools
import JSON
import Testing

@Suite struct ToolExamplesTests {
  private func parameter(
    _ name: String, _ examples: String?, isRequired: Bool = true,
    type: ToolType = .value(.integer)
  ) throws -> ParameterDescription {
    let json = examples.map { #"{"examples": \#($0)}"# } ?? ""
    let isJSON = type == .any
    return try ParameterDescription(
      name: name, description: "", type: type, isRequired: isRequired,
      constraintsJSON: isJSON ? "" : json, schemaJSON: isJSON ? json : "")
  }

  private func calls(_ parameters: ParameterDescription...) -> [String] {
    let tool = ToolDescription(name: "t", description: "", parameters: parameters, plugin: "p")
    return tool.examples.map { JSON.object($0).text }
  }

  @Test func theFirstOnesOfAllParametersMakeTheFirstCall() throws {
    #expect(
      calls(try parameter("a", "[1, 2, 3]"), try parameter("b", #"[{"x": 1}, null]"#, type: .any))
        == [#"{"a":1,"b":{"x":1}}"#, #"{"a":2,"b":null}"#, #"{"a":3,"b":null}"#])
  }

  @Test func whatIsNotRequiredMayBeLeftOut() throws {
    #expect(
      calls(try parameter("a", "[1]", isRequired: false), try parameter("b", "[2, 3]"))
        == [#"{"a":1,"b":2}"#, #"{"b":3}"#])
    #expect(
      calls(try parameter("a", nil, isRequired: false), try parameter("b", "[2]")) == [#"{"b":2}"#])
  }

  @Test func aRequiredParameterWithoutExamplesLeavesNoCalls() throws {
    #expect(calls(try parameter("a", nil), try parameter("b", "[2]")).isEmpty)
    #expect(calls(try parameter("a", nil, isRequired: false)).isEmpty)
    #expect(calls().isEmpty)
    #expect(calls(try parameter("a", "[]")).isEmpty)
    #expect(calls(try parameter("a", #"{"no": "array"}"#)).isEmpty)
  }

  @Test func theyArePartOfTheInputSchema() throws {
    let tool = ToolDescription(
      name: "t", description: "",
      parameters: [try parameter("a", "[1]"), try parameter("b", "[2]", type: .any)],
      plugin: "p")
    let properties = tool.inputSchema["properties"]
    #expect(properties?["a"]?["examples"] == .array([.integer(1)]))
    #expect(properties?["b"]?["examples"] == .array([.integer(2)]))
  }
}
