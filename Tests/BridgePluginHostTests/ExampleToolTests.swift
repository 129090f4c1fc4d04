import BridgeSessions
import BridgeTools
import JSON
import Testing

@testable import BridgePluginHost

/// The example plugins, as a directory would serve them.
@Suite struct ExampleToolTests {
  private func makeHost() throws -> TestHost {
    try Plugins.makeHost(loading: "libExampleTools.so", "libExampleToolsC.so")
  }

  @Test func toolsAnswer() throws {
    let host = try makeHost()
    let session = try Plugins.makeSession()
    #expect(try host.result("echo", ["text": "\"hällo\""], session: session) == "\"hällo\"")
    #expect(
      try host.result(
        "arithmetic", ["operation": "\"divide\"", "a": "3", "b": "2"], session: session) == "1.5")
    #expect(try host.result("normalize", ["vector": "[3,4]"], session: session) == "[0.6,0.8]")
    #expect(
      try host.result("c_dot", ["a": "[1,2]", "b": "[3,4]"], session: session) == "11.0")
    #expect(try host.result("c_increment", ["variable": "\"counter\""], session: session) == "1")
  }

  @Test func variablesAreReadWrittenAndWatched() throws {
    let host = try makeHost()
    let session = try Plugins.makeSession()
    try session.register(
      name: "t", type: .float, payload: Payload(.float(2)), writer: Writer(.elixir))
    #expect(
      try host.result(
        "scale_variable", ["variable": "\"t\"", "factor": "2.5"], session: session) == "5.0")
    let recorder = Recorder()
    _ = try host.begin(
      "wait_for_variable", ["variable": "\"t\"", "target": "7"], session: session,
      recorder: recorder)
    for number in [5.5, 6, 7.5] {
      try session.set("t", writer: Writer(.elixir)) { _ in Payload(.float(number)) }
    }
    guard case .success(.value(.float(let reached), _)) = recorder.wait().result else {
      Issue.record("\(recorder.wait().result)")
      return
    }
    #expect(reached == 7.5)
    #expect(Plugins.watchesHaveEnded(of: session))
  }

  @Test func parametersAreCheckedBeforeTheToolRuns() throws {
    let host = try makeHost()
    let session = try Plugins.makeSession()
    for (arguments, words) in [
      (["operation": "\"divide\"", "a": "3"], "b of arithmetic is required"),
      (["operation": "\"power\"", "a": "3", "b": "2"], "must be one of"),
      (["operation": "\"add\"", "a": "\"x\"", "b": "2"], "parameter a of arithmetic"),
      (["operation": "\"add\"", "a": "1", "b": "2", "c": "3"], "no parameter c"),
    ] {
      let error = #expect(throws: ToolsError.self) {
        try host.run("arithmetic", arguments, session: session)
      }
      #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }
  }

  @Test func theSchemaIsJSONSchema() throws {
    let host = try makeHost()
    let schema = try #require(host.tools.registry.catalog["arithmetic"]).description.inputSchema
    #expect(schema["type"] == .string("object"))
    let operation = schema["properties"]?["operation"]
    #expect(operation?["type"] == .string("string"))
    guard case .array(let choices) = operation?["enum"] else {
      Issue.record("no enum")
      return
    }
    #expect(choices.contains(.string("divide")))
  }
}
