import BridgeSessions
import Glibc
import JSON
import Testing

@testable import BridgePluginHost

extension TestPluginSuites {
  @Suite struct LoadingTests {
    @Test(arguments: [
      ("refuse", "it is Monday"), ("silent", "no reason"), ("nothing", "no description"),
      ("size", "bridge_plugin.size"), ("version", "ABI version 99"), ("name", "no good"),
      ("null_tool", "NULL"), ("no_tools", "tools is NULL"), ("tool_size", "bridge_tool.size"),
      ("tool_name", "name"), ("tool_run", "exactly one"), ("tool_threading", "threading 7"),
      ("twice", "there already"),
    ])
    func aBrokenPluginIsRefusedInWords(mode: String, words: String) {
      setenv("BRIDGE_TEST_PLUGIN", mode, 1)
      defer { unsetenv("BRIDGE_TEST_PLUGIN") }
      let error = #expect(throws: PluginError.self) {
        try Plugins.makeHost(loading: "libTestPlugin.so")
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    /// The loader's own words, of the file as its user knows it and not of the copy that is loaded.
    @Test func whatTheLoaderRefusesIsNamed() throws {
      let fixture = try Fixture("incomplete.c", as: "incomplete")
      let error = #expect(throws: PluginError.self) {
        try Plugins.makeHost().plugins.load(fixture.path)
      }
      #expect(
        error?.description
          == "cannot load \(fixture.path): \(fixture.path): undefined symbol: nowhere_to_be_found",
        "\(error?.description ?? "")")
    }

    @Test(arguments: [
      (#"[]"#, "plugin"),
      (#"{"plugin":"p","library":"libm.so.6","trusted":true,"tools":[]}"#, "not empty"),
      (#"{"plugin":"p","library":"libnone.so","trusted":true,"tools":[TOOL]}"#, "cannot load"),
      (#"{"plugin":"p","library":"./none.so","trusted":true,"tools":[TOOL]}"#, "cannot be read"),
      (
        #"{"plugin":"p","library":"libm.so.6","trusted":true,"tools":[{"name":"t","symbol":"nope"}]}"#,
        "no function nope"
      ),
      (
        #"{"plugin":"p","library":"libm.so.6","trusted":true,"tools":[{"name":"t","symbol":"pow","parameters":[{"name":"a","type":"double[]"}]}]}"#,
        "length_of"
      ),
      (
        #"{"plugin":"p","library":"libm.so.6","trusted":true,"tools":[{"name":"t","symbol":"pow","parameters":[{"name":"a","type":"quad"}]}]}"#,
        "unknown type"
      ),
    ])
    func aManifestThatIsWrongSaysWhere(text: String, words: String) {
      let scratch = Scratch()
      let tool = #"{"name":"t","symbol":"pow"}"#
      let parts = text.split(separator: "TOOL", omittingEmptySubsequences: false)
      scratch.write("x.native.json", parts.joined(separator: tool))
      let error = #expect(throws: PluginError.self) {
        try Plugins.makeHost().plugins.load("\(scratch.path)/x.native.json")
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
      ("\"libm.so.6\"", "7", ":3: library: \"library\" must be a string"),
      ("libm.so.6", "libnone.so", ":3: library: cannot load"),
      ("true", "false", ":4: trusted: native functions"),
      ("\"trusted\": true,", "\"trusted\": true", ":5: malformed JSON"),
      ("\"tools\"", "\"tool\"", ":5: tool: unknown key \"tool\""),
      ("\"sqrt\"", "\"nope\"", ":8: tools[1].symbol: "),
      ("\"returns\"", "\"return\"", ":10: tools[1].return: tool b: unknown key"),
      (
        "\"x\", \"type\": \"double\"", "\"x\", \"type\": \"quad\"",
        ":9: tools[1].parameters[0].type: tool b: unknown type"
      ),
      (
        "\"x\", \"type\": \"double\"", "\"x\", \"type\": \"double[]\"",
        ":9: tools[1].parameters[0]: tool b: x has no parameter"
      ),
      (
        "{\"type\": \"double\"}}", "{\"type\": \"double[]\"}}",
        ":10: tools[1].returns.type: tool b: what is returned needs"
      ),
      ("\"b\"", "\"b b\"", ":7: tools[1].name: "), ("\"b\"", "7", ":7: tools[1].name: "),
    ])
    func aManifestThatIsWrongSaysItsLineAndKeys(right: String, wrong: String, words: String) throws
    {
      let manifest = #"""
        {
          "plugin": "p",
          "library": "libm.so.6",
          "trusted": true,
          "tools": [
            {"name": "a", "symbol": "pow"},
            {"name": "b",
             "symbol": "sqrt",
             "parameters": [{"name": "x", "type": "double"}],
             "returns": {"type": "double"}}]
        }
        """#
      #expect(manifest.contains(right))
      let scratch = Scratch()
      let file = "\(scratch.path)/x.native.json"
      scratch.write("x.native.json", manifest)
      _ = try Plugins.makeHost().plugins.load(file)
      scratch.write("x.native.json", manifest.replacing(right, with: wrong))
      let error = #expect(throws: PluginError.self) { try Plugins.makeHost().plugins.load(file) }
      let text = error?.description ?? ""
      #expect(text.contains("/x.native.json" + words), "\(text)")
    }
  }
}
