import BridgeSessions
import BridgeTools
import JSON
import Testing

@testable import BridgeValidation

@Suite struct GeneratingTests {
  @Test func sameSeedSameNumbers() {
    var first = SeededRandom(7, for: "a")
    var second = SeededRandom(7, for: "a")
    var other = SeededRandom(7, for: "b")
    let numbers = (0..<8).map { _ in first.next() }
    #expect(numbers == (0..<8).map { _ in second.next() })
    #expect(numbers != (0..<8).map { _ in other.next() })
  }

  @Test(arguments: [
    "^[a-z]{3}-[0-9]+$", "(ab|cd)*x?", "[^a-y]", "\\d{2,4}\\.\\w+", "(?:a(b(c|d)))e{0}",
    "^[A-Z]{2}[ -][0-9]{4}$",
  ])
  func textsMatchTheirPatterns(_ pattern: String) throws {
    let schema = try JSONSchema(
      parsing: JSON.object([.init(key: "pattern", value: .string(pattern))]).text)
    var random = SeededRandom(3)
    for _ in 0..<50 {
      let text = PatternText(pattern).text(&random)
      #expect(try schema.faults(in: .string(text)).isEmpty, "\(text) of \(pattern)")
    }
  }

  @Test(arguments: [
    #"{"type":"object","properties":{"a":{"type":"integer","minimum":3,"maximum":5}},"required":["a"]}"#,
    #"{"type":"array","items":{"type":"string","minLength":2,"maxLength":3},"minItems":2,"maxItems":4}"#,
    #"{"anyOf":[{"type":"null"},{"type":"number","exclusiveMinimum":0,"maximum":1}]}"#,
    ##"{"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"next":{"$ref":"#/$defs/tree"}}}}}"##,
    #"{"allOf":[{"type":"object","required":["x"]},{"properties":{"x":{"const":7}}}]}"#,
    #"{"type":"integer","multipleOf":7,"minimum":-100,"maximum":100}"#,
    #"{"enum":[1,"two",null]}"#,
    #"{"type":"object","minProperties":2,"additionalProperties":{"type":"boolean"}}"#,
  ])
  func valuesAreAsTheirSchemasSay(_ text: String) throws {
    let schema = try JSONSchema(parsing: text)
    var random = SeededRandom(11)
    for _ in 0..<50 {
      let value = SchemaValues(try JSON(parsing: text)).value(&random)
      #expect(try schema.faults(in: value).isEmpty, "\(value.text)")
    }
  }

  private func tool() throws -> ToolDescription {
    ToolDescription(
      name: "t", description: "",
      parameters: [
        try ParameterDescription(
          name: "n", description: "", type: .value(.integer), isRequired: true,
          constraintsJSON: #"{"min":1,"max":9}"#),
        try ParameterDescription(
          name: "s", description: "", type: .value(.string), isRequired: false),
        try ParameterDescription(
          name: "o", description: "", type: .object, isRequired: true,
          schemaJSON: #"{"required":["k"],"properties":{"k":{"type":"boolean"}}}"#),
      ], plugin: "p")
  }

  private func isTaken(_ made: MadeArguments, _ tool: ToolDescription) -> Bool {
    var searches = SearchBudget.ofTool()
    return (try? Arguments(made.arguments, for: tool, &searches)) != nil
  }

  @Test func argumentsAreTakenOrRefusedAsTheyAreMeant() throws {
    let tool = try tool()
    let maker = ArgumentMaker(tool)
    var random = SeededRandom(5)
    for _ in 0..<50 { #expect(isTaken(try #require(maker.valid(&random)), tool)) }
    let extremes = maker.extremes(&random)
    #expect(extremes.contains { $0.what == "n is at its max" })
    #expect(extremes.contains { $0.what == "s is a zero byte" })
    #expect(extremes.allSatisfy { isTaken($0, tool) })
    let invalid = maker.invalid(&random)
    #expect(invalid.contains { $0.what == "o is missing" })
    #expect(invalid.contains { $0.what == "there is one too many" })
    #expect(invalid.contains { $0.what == "n is the lowest integer" })
    #expect(invalid.allSatisfy { !isTaken($0, tool) })
  }
}
