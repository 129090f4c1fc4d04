import BridgePluginHost
import BridgePluginProcess
import BridgeTools
import Glibc
import Testing
import Threads

@testable import BridgePlugins

extension TestPluginSuites {
  @Suite struct DirectoryTests {
    static func directory(
      _ path: String, _ host: TestHost, _ isolation: PluginIsolation = .inProcess
    ) -> PluginDirectory {
      var configuration = PluginDirectory.Configuration()
      configuration.isolation = isolation
      return PluginDirectory(path, tools: host.tools, configuration: configuration)
    }

    @Test(arguments: PluginIsolation.allCases)
    func whatIsNoPluginIsSkippedAndTheRestServed(isolation: PluginIsolation) throws {
      let scratch = Scratch()
      scratch.write("broken.so", "this is no shared object", mode: 0o755)
      scratch.write("notes.txt", "not looked at")
      scratch.write("broken.native.json", "{")
      scratch.write(
        "untrusted.native.json",
        #"""
        {"plugin":"x","library":"libm.so.6","tools":[{"name":"x_cbrt","symbol":"cbrt",
        "parameters":[{"name":"x","type":"double"}],"returns":{"type":"double"}}]}
        """#)
      scratch.write("open.so", "", mode: 0o777)
      scratch.write(
        "good.native.json",
        #"""
        {"plugin":"m","library":"libm.so.6","trusted":true,"tools":[{"name":"m_sqrt",
        "symbol":"sqrt","parameters":[{"name":"x","type":"double"}],"returns":{"type":"double"}}]}
        """#)
      let host = TestHost()
      let directory = Self.directory(scratch.path, host, isolation)
      var results: [String: String] = [:]
      for report in try directory.load() {
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
      // It runs, but never in the host.
      #expect(results["untrusted.native.json"] == "x_cbrt")
      let providers = host.tools.registry.generations.map(\.provider)
      #expect(providers.first { $0.name == "x" } is ChildPlugin)
      #expect(results["open.so"]?.contains("chmod go-w") == true)
      let root = try host.result("m_sqrt", ["x": "9"], session: try Plugins.makeSession())
      #expect(root == "3.0")
      #expect(directory.unloadAll(until: MonotonicClock.now + 10_000_000_000) == [])
    }

    @Test func aDirectoryThatCannotBeUsedIsAnError() {
      #expect(throws: PluginError.self) {
        try Self.directory("/nonexistent", TestHost()).load()
      }
      let scratch = Scratch()
      chmod(scratch.path, 0o777)
      #expect(throws: PluginError.self) {
        try Self.directory(scratch.path, TestHost()).load()
      }
      chmod(scratch.path, 0o755)
    }

    @Test func everyPluginRunsWhereItsSettingsSay() throws {
      let scratch = Scratch()
      for (name, settings) in [
        ("a", #"{"isolation": "in-process"}"#), ("b", #"{"isolation": "child"}"#), ("c", "{}"),
      ] {
        scratch.copy(name == "a" ? "libTestPlugin.so" : "libExampleToolsC.so", as: "\(name).so")
        scratch.write("\(name).plugin.json", settings)
      }
      let host = TestHost()
      let directory = Self.directory(scratch.path, host, .perCall)
      let results = try directory.load().map { (try? $0.result.get())?.isEmpty == false }
      // The last one brings the tools of the second.
      #expect(results == [true, true, false])
      let providers = host.tools.registry.generations.map(\.provider)
      #expect(providers.map { $0 is ChildPlugin } == [false, true])
      #expect(
        try host.result("c_hello", ["name": "\"Ada\""], session: try Plugins.makeSession())
          .contains("Ada"))
      #expect(directory.unloadAll(until: MonotonicClock.now + 10_000_000_000) == [])
    }
  }
}
