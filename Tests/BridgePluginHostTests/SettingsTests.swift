import BridgeTools
import Glibc
import Testing

@testable import BridgePluginHost

/// `NAME.plugin.json` beside `NAME.so`.
extension TestPluginSuites {
  @Suite struct SettingsTests {
    /// The SDK's plugin in a directory of its own, which takes a configuration.
    private func load(_ settings: String?, mode: mode_t = 0o644) throws -> TestHost {
      let fixture = try Fixture("leaving.c", ["NAME": "x", "LOG": "/dev/null"], as: "unused")
      let path = "\(fixture.directory)/configured.so"
      #expect(
        system("cp '\(Plugins.directory)/libSDKTools.so' '\(path)' && chmod 755 '\(path)'") == 0)
      if let settings { fixture.write("configured.plugin.json", settings, mode: mode) }
      let host = TestHost()
      _ = try host.plugins.load(path)
      return host
    }

    private func configuration(_ host: TestHost) throws -> String {
      try host.result("sdk_configuration", session: try Plugins.makeSession())
    }

    @Test func aConfigurationReachesThePlugin() throws {
      #expect(
        try configuration(load(#"{"configuration": {"model": "small", "n": [1, 2]}}"#))
          == #"{"model":"small","n":[1,2]}"#)
      #expect(try configuration(load("{}")) == "{}")
      #expect(try configuration(load(nil)) == "{}")
    }

    @Test(arguments: [
      ("", "no JSON but an empty text"), ("{", "malformed JSON"),
      ("[]", "it must hold a JSON object"),
      (#"{"configuration": 1}"#, "\"configuration\" must be an object"),
      (#"{"inline": "no"}"#, "\"inline\" must be true or false"),
      (#"{"configuration": {}, "priority": 1}"#, "priority"),
      (#"{"configuration": {"refuse": 1}}"#, "/refuse"),
      (#"{"configuration": {"refuse": "because it is Monday"}}"#, "it is Monday"),
    ])
    func whatIsWrongIsSaid(settings: String, words: String) {
      let error = #expect(throws: PluginError.self) { try load(settings) }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(error?.description.contains("configured") == true, "\(error?.description ?? "")")
    }

    /// Whoever serves a plugin need not take its word for being quick.
    @Test(arguments: [
      (nil, ToolDescription.Execution.inline), ("{}", .inline), (#"{"inline": true}"#, .inline),
      (#"{"inline": false}"#, .pool),
    ])
    func quickToolsRunWhereTheSettingsSay(
      settings: String?, execution: ToolDescription.Execution
    ) throws {
      let fixture = try Fixture("intrusion.c", as: "plain")
      if let settings { fixture.write("plain.plugin.json", settings) }
      let host = TestHost()
      _ = try host.plugins.load(fixture.path)
      let admitted = try host.tools.registry.admit("change_rounding")
      #expect(admitted.description.execution == execution)
    }

    @Test func aFileThatOthersCanWriteIsRefused() {
      let error = #expect(throws: PluginError.self) { try load("{}", mode: 0o666) }
      #expect(error?.description.contains("chmod go-w") == true, "\(error?.description ?? "")")
    }

    @Test func aPluginWithoutASchemaTakesNone() throws {
      let fixture = try Fixture("leaving.c", ["NAME": "plain", "LOG": "/dev/null"], as: "plain")
      fixture.write("plain.plugin.json", #"{"configuration": {}}"#)
      let error = #expect(throws: PluginError.self) { try TestHost().plugins.load(fixture.path) }
      #expect(error?.description.contains("takes no configuration") == true)
    }
  }
}
