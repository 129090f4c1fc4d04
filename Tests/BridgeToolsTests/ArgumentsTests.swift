import BridgeSessions
import JSON
import Testing

@testable import BridgeTools

@Suite struct ArgumentsTests {
  private struct Given: ArgumentSource {
    let name: String
    let text: String
    func value(as type: ValueType) throws -> Value { try Value(json: Array(text.utf8), as: type) }
    func json() throws -> [UInt8] { Array(text.utf8) }
    func bytes() throws -> [UInt8] { Array(text.utf8) }
  }

  private static func tool() throws -> ToolDescription {
    ToolDescription(
      name: "t", description: "",
      parameters: [
        try ParameterDescription(
          name: "count", description: "", type: .value(.integer), isRequired: true,
          constraintsJSON: #"{"min": 1}"#),
        try ParameterDescription(
          name: "options", description: "", type: .object, isRequired: false,
          schemaJSON: #"{"properties": {"a": {"type": "string"}, "b": {"maximum": 3}}}"#),
        try ParameterDescription(
          name: "factor", description: "", type: .value(.float), isRequired: false,
          defaultValue: .value(.float(2), .float)),
      ], plugin: "p")
  }

  private func read(_ given: [(String, String)]) throws -> Arguments {
    var searches = SearchBudget.ofTool()
    return try Arguments(
      given.map { Given(name: $0.0, text: $0.1) }, for: try Self.tool(), &searches)
  }

  @Test func whatIsNotDeclaredIsHandedOnWhereTheToolTakesIt() throws {
    var tool = try Self.tool()
    tool.takesUndeclared = true
    func read(_ given: (String, String)...) throws -> Arguments {
      var searches = SearchBudget.ofTool()
      return try Arguments(given.map { Given(name: $0.0, text: $0.1) }, for: tool, &searches)
    }
    let arguments = try read(
      ("a", "[1]"), ("count", "4"), ("b", "null"), ("c", "1"), ("d", "2"))
    #expect(arguments["a"] == .json(Array("[1]".utf8), .any))
    #expect(arguments["b"] == .json(Array("null".utf8), .any))
    #expect(arguments["count"] == .value(.integer(4), .integer))
    #expect(arguments.entries.count == 6)
    let error = #expect(throws: ToolsError.self) { try read(("count", "4"), ("a", "{")) }
    #expect(error?.message.contains("parameter a of t") == true)
    #expect(tool.inputSchema["additionalProperties"] == .boolean(true))
  }

  @Test func whatIsNotGivenHasItsDefault() throws {
    let arguments = try read([("count", "4")])
    #expect(arguments["count"] == .value(.integer(4), .integer))
    #expect(arguments["factor"] == .value(.float(2), .float) && arguments["options"] == nil)
  }

  @Test func everyFaultIsNamedWithItsPlace() {
    let error = #expect(throws: ToolsError.self) {
      try read([("count", "0"), ("options", #"{"a": 1, "b": 4}"#), ("factor", #""x""#)])
    }
    let message = error?.message ?? ""
    for words in [
      "parameter count of t: ", "parameter options of t: /a: expected string, got 1",
      "/b: 4 is above maximum 3", "parameter factor of t: ",
    ] {
      #expect(message.contains(words), "\(message)")
    }
    #expect(error?.code == .invalidParameter && error?.details["parameter"] == "count")
    #expect(error?.details["parameters"] == "count,options,factor")
  }

  @Test func whatIsMissingAndWhatIsUnknownAreNamedTogether() {
    let error = #expect(throws: ToolsError.self) { try read([("z", "1"), ("y", "1")]) }
    let message = error?.message ?? ""
    #expect(message.contains("parameter count of t is required (integer)"), "\(message)")
    #expect(
      message.contains("t has no parameter y, z; it takes count, options, factor"), "\(message)")
    #expect(error?.details["parameter"] == "count")
  }

  @Test func oneFaultIsToldAlone() {
    let error = #expect(throws: ToolsError.self) { try read([]) }
    #expect(error?.message == "parameter count of t is required (integer)")
    #expect(error?.details == ["parameter": "count"])
  }

  @Test func manyUnknownNamesAreCounted() {
    let error = #expect(throws: ToolsError.self) {
      try read((0..<25).map { ("n\($0)", "1") })
    }
    #expect(error?.message.contains("and 5 more") == true, "\(error?.message ?? "")")
  }
}

@Suite struct MCPToolTests {
  private func tool(_ output: OutputDescription?) -> ToolDescription {
    var tool = ToolDescription(name: "t", description: "Does it.", parameters: [], plugin: "p")
    tool.output = output
    return tool
  }

  @Test func aToolSaysAllItDeclares() throws {
    var tool = tool(nil)
    #expect(tool.mcpTool["title"] == nil && tool.mcpTool["outputSchema"] == nil)
    tool.title = "T"
    (tool.isReadOnly, tool.isOpenWorld, tool.streams) = (true, true, true)
    let listed = tool.mcpTool
    #expect(listed["name"] == .string("t") && listed["title"] == .string("T"))
    #expect(listed["description"] == .string("Does it."))
    #expect(
      listed["annotations"]
        == (try JSON(
          parsing:
            #"{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":false,"openWorldHint":true}"#
        )))
    (tool.isReadOnly, tool.isDestructive, tool.isIdempotent) = (false, true, true)
    let annotations = tool.mcpTool["annotations"]
    #expect(annotations?["destructiveHint"] == .boolean(true))
    #expect(annotations?["idempotentHint"] == .boolean(true))
    #expect(listed["_meta"]?["bridge-host/streams"] == .boolean(true))
    #expect(listed["_meta"]?["bridge-host/plugin"] == .string("p"))
  }

  @Test func resultsThatAreNoObjectsAreInOne() throws {
    for output in [
      try OutputDescription(type: .value(.float)), try OutputDescription(type: nil),
      try OutputDescription(type: .any, schemaJSON: #"{"type": ["object", "null"]}"#),
    ] {
      let schema = tool(output).mcpTool["outputSchema"]
      #expect(
        schema?["type"] == .string("object") && schema?["required"] == .array([.string("result")]))
      #expect(schema?["properties"]?["result"] == tool(output).outputSchema)
    }
  }

  @Test func objectsAreAsTheyAre() throws {
    let output = try OutputDescription(
      type: .object,
      schemaJSON: #"{"properties": {"a": true, "b": false, "c": {"type": "string"}}}"#)
    let schema = tool(output).mcpTool["outputSchema"]
    #expect(schema?["type"] == .string("object"))
    #expect(
      schema?["properties"]
        == (try JSON(parsing: #"{"a":{},"b":{"not":{}},"c":{"type":"string"}}"#)))
  }

  @Test func aDefaultIsThereOnce() throws {
    let parameter = try ParameterDescription(
      name: "o", description: "", type: .object, isRequired: false,
      defaultValue: .json(Array(#"{"n":1}"#.utf8), .object), schemaJSON: #"{"default": {"n": 2}}"#)
    let tool = ToolDescription(name: "t", description: "", parameters: [parameter], plugin: "p")
    guard case .object(let members) = tool.inputSchema["properties"]?["o"] else {
      Issue.record("no schema")
      return
    }
    #expect(members.filter { $0.key == "default" }.map(\.value.text) == [#"{"n":1}"#])
  }
}
