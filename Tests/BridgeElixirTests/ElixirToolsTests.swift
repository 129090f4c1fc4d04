import BridgeProtocol
import BridgeTools
import Testing

@testable import BridgeElixir

/// How Elixir's words about its tools are taken.
@Suite struct ElixirToolsTests {
  private func parameter(
    _ name: String, _ type: String, required: Bool = false, defaultJSON: String? = nil
  ) -> Snakepit_Bridge_ParameterSpec {
    .with {
      $0.name = name
      $0.type = type
      $0.required = required
      $0.validationJson = #"{"odd": "to us"}"#
      if let defaultJSON {
        $0.defaultValue = .with {
          $0.typeURL = "type.googleapis.com/google.protobuf.StringValue"
          $0.value = .init(defaultJSON.utf8)
        }
      }
    }
  }

  private func tool(
    _ name: String, _ parameters: Snakepit_Bridge_ParameterSpec...
  ) -> ToolDescription? {
    ToolDescription(
      elixir: .with {
        $0.name = name
        $0.description_p = "What it does."
        $0.parameters = parameters
      })
  }

  @Test func typesOfElixirBecomeThoseThatThereAre() throws {
    let names = ["string", "integer", "float", "number", "boolean", "map", "list", "term", ""]
    let described = try #require(
      ToolDescription(
        elixir: .with {
          $0.name = "t"
          $0.parameters = names.enumerated().map { parameter("p\($0)", $1) }
        }))
    #expect(
      described.parameters.map(\.type.name) == [
        "string", "integer", "float", "float", "boolean", "object", "array", "any", "any",
      ])
    #expect(described.takesUndeclared && described.execution == .forwarded)
    #expect(described.plugin == "elixir")
  }

  @Test func defaultsAreTakenAsFarAsTheyAreOfTheType() throws {
    let described = try #require(
      tool(
        "t", parameter("a", "integer", defaultJSON: "3"),
        parameter("b", "integer", defaultJSON: "x"),
        parameter("c", "map", defaultJSON: #"{"k":1}"#), parameter("d", "string", required: true)))
    #expect(described.parameters[0].defaultValue == .value(.integer(3), .integer))
    #expect(described.parameters[1].defaultValue == nil)
    #expect(described.parameters[2].defaultValue == .json(Array(#"{"k":1}"#.utf8), .object))
    #expect(described.parameters.map(\.isRequired) == [false, false, false, true])
  }

  @Test func namesThatAreNoneHereAreLeftOut() throws {
    #expect(tool("ends with?") == nil)
    #expect(tool("") == nil)
    let described = try #require(
      tool("t", parameter("fine", "any"), parameter("odd!", "any"), parameter("fine", "string")))
    #expect(described.parameters.map(\.name) == ["fine"])
    #expect(described.parameters[0].type == .any)
  }

  @Test func toolsHereAreToldOfWithAllThatElixirTakes() throws {
    var described = ToolDescription(
      name: "scale", description: "Scales.",
      parameters: [
        try ParameterDescription(
          name: "factor", description: "By what.", type: .value(.float), isRequired: false,
          defaultValue: .value(.float(2), .float), constraintsJSON: #"{"min": 0}"#)
      ], plugin: "example")
    described.streams = true
    described.isReadOnly = true
    let registration = Snakepit_Bridge_ToolRegistration(described)
    #expect(registration.name == "scale" && registration.supportsStreaming)
    #expect(registration.metadata == ["plugin": "example", "read_only": "true"])
    let parameter = registration.parameters[0]
    #expect(parameter.type == "float" && parameter.validationJson == #"{"min": 0}"#)
    #expect(parameter.defaultValue.typeURL == "type.googleapis.com/snakepit.float")
    #expect(Array(parameter.defaultValue.value) == Array("2.0".utf8))
  }
}
