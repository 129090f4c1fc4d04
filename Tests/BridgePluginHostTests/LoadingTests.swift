import BridgeSessions
import Glibc
import JSON
import Testing
import TrustedFiles

@testable import BridgePluginHost

extension TestPluginSuites {
  @Suite struct LoadingTests {
    /// A directory of its own, removed at the end.
    private final class Scratch {
      let path: String

      init() {
        var template = Array("/tmp/bridge-host-test-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
      }

      deinit {
        let names = (try? TrustedDirectory(path).entries()) ?? []
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
      }

      func write(_ name: String, _ text: String, mode: mode_t = 0o644) {
        let file = fopen("\(path)/\(name)", "w")!
        fputs(text, file)
        fclose(file)
        chmod("\(path)/\(name)", mode)
      }
    }

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

    @Test func whatIsNoPluginIsSkippedAndTheRestServed() throws {
      let scratch = Scratch()
      scratch.write("broken.so", "this is no shared object", mode: 0o755)
      scratch.write("notes.txt", "not looked at")
      scratch.write("broken.native.json", "{")
      scratch.write("untrusted.native.json", #"{"plugin":"x","library":"libm.so.6","tools":[]}"#)
      scratch.write("open.so", "", mode: 0o777)
      scratch.write(
        "good.native.json",
        #"""
        {"plugin":"m","library":"libm.so.6","trusted":true,"tools":[{"name":"m_sqrt",
        "symbol":"sqrt","parameters":[{"name":"x","type":"double"}],"returns":{"type":"double"}}]}
        """#)
      let host = Plugins.makeHost()
      var results: [String: String] = [:]
      for report in try host.plugins.loadDirectory(scratch.path) {
        let name = String(report.file.split(separator: "/").last!)
        switch report.result {
        case .success(let tools): results[name] = tools.joined()
        case .failure(let error): results[name] = error.description
        }
      }
      #expect(Set(results.keys).count == 5)
      #expect(results["good.native.json"] == "m_sqrt")
      #expect(results["broken.so"]?.contains("cannot load") == true)
      #expect(results["broken.native.json"]?.contains("malformed JSON") == true)
      #expect(results["untrusted.native.json"]?.contains("trusted") == true)
      #expect(results["open.so"]?.contains("chmod go-w") == true)
      let root = try host.result("m_sqrt", ["x": "9"], session: try Plugins.makeSession())
      #expect(root == "3.0")
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

    @Test func aDirectoryThatCannotBeUsedIsAnError() {
      #expect(throws: PluginError.self) {
        try Plugins.makeHost().plugins.loadDirectory("/nonexistent")
      }
      let scratch = Scratch()
      chmod(scratch.path, 0o777)
      #expect(throws: PluginError.self) {
        try Plugins.makeHost().plugins.loadDirectory(scratch.path)
      }
      chmod(scratch.path, 0o755)
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
        ":9: tools[1].parameters[0]: tool b: array x has no parameter"
      ),
      (
        "{\"type\": \"double\"}}", "{\"type\": \"double[]\"}}",
        ":10: tools[1].returns.type: tool b: a function cannot return an array"
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
