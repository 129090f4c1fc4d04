import ArgumentParser
import JSON
import Testing

@testable import BridgeHost

@Suite struct ClientArgumentTests {
  @Test(arguments: [
    ("5", "string", #""5""#), ("5", "choice", #""5""#), ("null", "module", #""null""#),
    ("a \"b\"", "string", #""a \"b\"""#), ("5", "integer", "5"), ("-0.5", "float", "-0.5"),
    ("NaN", "float", #""NaN""#), ("-Infinity", "float", #""-Infinity""#),
    ("NaN", "string", #""NaN""#),
    ("[1, 2]", "embedding", "[1, 2]"), ("true", "boolean", "true"), ("{}", "object", "{}"),
    ("5", "any", "5"), ("five", "any", #""five""#), ("five", "new type", #""five""#),
    // What is wrong for the type is the host's to say, not to be guessed around.
    ("yes", "boolean", "yes"),
  ])
  func valuesAreTakenAsTheirType(text: String, type: String, json: String) {
    #expect(ArgumentText.json(text, as: type) == json)
  }

  @Test(arguments: [
    (["x", "-5"], ["x", "-5"]), (["x", "-0.25", "-s", "y"], ["x", "-0.25"]),
    (["--type", "float", "x", "-5", "--json"], ["x", "-5"]), (["x", "--json", "-5"], ["x", "-5"]),
    (["--", "-x", "--y"], ["-x", "--y"]), (["x", "--", "--y"], ["x", "--y"]),
    (["x", "-Infinity", "--type", "float"], ["x", "-Infinity"]), (["x", ""], ["x", ""]),
  ])
  func setTakesNegativeNumbers(arguments: [String], words: [String]) throws {
    #expect(try SetValue.parse(arguments).values == words)
  }

  @Test(arguments: [
    ["x"], [], ["x", "1", "2"], ["x", "1", "--tpye", "float"], ["--typ", "x", "1"],
    ["x", "1", "--constraints", "{}"], ["x", "1", "--type", "nothing"],
  ])
  func setRefusesWhatItDoesNotKnow(arguments: [String]) {
    #expect(throws: (any Error).self) { try SetValue.parse(arguments) }
  }

  @Test func parametersOfTools() throws {
    let parameter = try #require(ToolArgument(argument: "a=b=c"))
    #expect((parameter.name, parameter.text) == ("a", "b=c"))
    #expect(ToolArgument(argument: "a=")?.text == "")
    #expect(ToolArgument(argument: "=b") == nil)
    #expect(ToolArgument(argument: "a") == nil)
    #expect(throws: (any Error).self) { try Execute.parse(["tool", "a=1", "a=2"]) }
  }

  @Test func streamingIsUpToTheToolUnlessItIsSaid() throws {
    #expect(try Execute.parse(["tool"]).stream == nil)
    #expect(try Execute.parse(["tool", "--stream"]).stream == true)
    #expect(try Execute.parse(["tool", "--no-stream"]).stream == false)
  }

  @Test func pathsBecomeAbsolute() {
    #expect(FilePath(argument: "/a/b")?.path == "/a/b")
    let relative = FilePath(argument: "a/b")?.path
    #expect(relative?.hasPrefix("/") == true)
    #expect(relative?.hasSuffix("/a/b") == true)
    #expect(FilePath(argument: "") == nil)
  }
}
