import BridgePluginHost
import BridgePluginProcess
import BridgeTools
import Glibc
import Testing

@testable import BridgePlugins

/// `NAME.plugin.json` beside `NAME.so`.
extension TestPluginSuites {
  @Suite struct SettingsTests {
    /// The SDK's plugin in a directory of its own, which takes a configuration.
    private func load(_ settings: String?, mode: mode_t = 0o644) throws -> TestHost {
      let scratch = Scratch()
      scratch.copy("libSDKTools.so", as: "configured.so")
      if let settings { scratch.write("configured.plugin.json", settings, mode: mode) }
      return try Self.load(scratch.path)
    }

    /// Loads the one plugin of a directory.
    private static func load(_ directory: String) throws -> TestHost {
      let host = TestHost()
      _ = try #require(DirectoryTests.directory(directory, host).load().first).result.get()
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
      (#"{"configuration": 1}"#, "configured.plugin.json:1: configuration: must be an object"),
      (#"{"inline": "no"}"#, "inline: must be true or false"),
      (#"{"configuration": {}, "priority": 1}"#, "priority"),
      (#"{"inline": true, "inline": true}"#, "\"inline\" is there twice"),
      (#"{"isolation": "jail"}"#, "must be one of in-process, child, per-call"),
      (#"{"concurrency": 0}"#, "concurrency: must be a whole number from 1 to 10000"),
      (#"{"waiting_calls": -1}"#, "waiting_calls: must be a whole number"),
      (#"{"grace_seconds": "5"}"#, "grace_seconds: must be seconds"),
      (#"{"start_seconds": 0}"#, "start_seconds: must be seconds"),
      (#"{"limits": 5}"#, "limits: must be an object"),
      (#"{"limits": {"memory": 5}}"#, "memory_bytes"),
      (
        #"{"limits": {"cpus": 0}}"#, "limits.cpus: must be a number of processors from 0.01 to 1024"
      ),
      (#"{"limits": {"cpu_seconds": 1.5}}"#, "limits.cpu_seconds: must be a whole number"),
      (#"{"enabled": 0}"#, "enabled: must be true or false"),
      (#"{"sha256": "12"}"#, "sha256: must be a SHA-256 in 64 hexadecimal digits"),
      (#"{"sha256": {"a.so": "12"}}"#, "sha256.a.so: must be a SHA-256"),
      (#"{"sha256": {}}"#, "sha256: must be"),
      (#"{"tools": []}"#, "tools: must be an array of names"),
      (#"{"tools": ["a b"]}"#, "tools[0]: must be 1 to 128 letters"),
      (#"{"tools": ["a", "a"]}"#, "tools[1]: a is there twice"),
      (#"{"tools": ["sdk_nothing"]}"#, "tools: there is no tool sdk_nothing; the plugin has sdk_"),
      (#"{"prefix": "a b"}"#, "prefix: must be 1 to 128 letters"),
      (#"{"renames": {}}"#, "renames: must be"),
      (#"{"renames": {"sdk_echo": 1}}"#, "renames.sdk_echo: must be 1 to 128 letters"),
      (#"{"renames": {"nothing": "a"}}"#, "renames: there is no tool nothing; the plugin has sdk_"),
      (#"{"configuration": {"from_env": "HOME"}}"#, "configuration: must be an object"),
      (
        #"{"configuration": {"a": [{"from_env": "BRIDGE_TEST_NO_SUCH"}]}}"#,
        "configuration.a[0].from_env: the environment variable BRIDGE_TEST_NO_SUCH is not set"
      ),
      (
        #"{"configuration": {"a": {"from_env": ""}}}"#,
        "must be the name of an environment variable"
      ),
      (
        #"{"configuration": {"a": {"from_file": "nothing.txt"}}}"#,
        "configuration.a.from_file: "
      ),
      (#"{"configuration": {"a": {"from_file": 3}}}"#, "configuration.a.from_file: must be a path"),
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
      let host = try Self.load(fixture.directory)
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
      let error = #expect(throws: PluginError.self) { try Self.load(fixture.directory) }
      #expect(error?.description.contains("takes no configuration") == true)
    }

    @Test func whatIsSaidReachesTheProcess() throws {
      let scratch = Scratch()
      scratch.write(
        "x.plugin.json",
        #"""
        {"isolation": "per-call", "concurrency": 3, "waiting_calls": 9, "grace_seconds": 0.5,
        "start_seconds": 2, "limits": {"memory_bytes": 1000000, "cpu_seconds": 7, "open_files": 20,
        "processes": 50}}
        """#)
      let settings = try PluginSettings(beside: "\(scratch.path)/x.native.json")
      #expect(settings.isolation == .perCall && settings.calls == 3)
      #expect(settings.process.waitingCalls == 9)
      #expect(settings.process.grace == 500_000_000 && settings.process.startTime == 2_000_000_000)
      #expect(
        settings.process.limits.memory == 1_000_000 && settings.process.limits.processes == 50)
      #expect(settings.process.limits.cpuSeconds == 7 && settings.process.limits.openFiles == 20)
    }
  }
}
