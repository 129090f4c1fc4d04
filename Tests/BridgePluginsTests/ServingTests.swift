import BridgePluginHost
import BridgePluginProcess
import BridgeTools
import Glibc
import Testing
import Threads
import TrustedFiles

@testable import BridgePlugins

/// What settings say of which tools are served, and from which bytes.
extension TestPluginSuites {
  @Suite struct ServingTests {
    private let scratch = Scratch()
    private let log = TestLog()
    private let host: TestHost

    init() { host = TestHost(log: log) }

    /// The reports of a directory, by the names of the files.
    private func load(
      _ isolation: PluginIsolation = .inProcess, requiresDigests: Bool = false
    ) throws -> [String: String] {
      var configuration = PluginDirectory.Configuration()
      configuration.isolation = isolation
      configuration.requiresDigests = requiresDigests
      let directory = PluginDirectory(
        scratch.path, tools: host.tools, configuration: configuration)
      var reports: [String: String] = [:]
      for report in try directory.load() {
        let name = String(report.file.split(separator: "/").last!)
        switch report.result {
        case .success(let tools):
          reports[name] = report.isDisabled ? "disabled" : tools.joined(separator: " ")
        case .failure(let error): reports[name] = error.description
        }
      }
      return reports
    }

    private func digest(_ name: String) throws -> String {
      let file = try TrustedFile("\(scratch.path)/\(name)")
      return try file.read(limit: 1 << 28).withUnsafeBytes { SHA256.hex(of: $0) }
    }

    // MARK: Names

    @Test(arguments: PluginIsolation.allCases)
    func toolsAreServedUnderTheNamesTheSettingsSay(isolation: PluginIsolation) throws {
      scratch.copy("libExampleToolsC.so", as: "one.so")
      scratch.copy("libExampleToolsC.so", as: "two.so")
      scratch.write("two.plugin.json", #"{"tools": ["c_hello"], "prefix": "second."}"#)
      let reports = try load(isolation)
      #expect(reports["two.so"] == "second.c_hello")
      #expect(reports["one.so"]?.contains("c_hello") == true)
      let session = try Plugins.makeSession()
      for name in ["c_hello", "second.c_hello"] {
        #expect(try host.result(name, ["name": "\"Ada\""], session: session).contains("Ada"))
        #expect(try host.tools.registry.admit(name).description.name == name)
      }
    }

    @Test(arguments: [PluginIsolation.inProcess, .child])
    func aNameThatIsTakenSaysWhatToDo(isolation: PluginIsolation) throws {
      scratch.copy("libExampleToolsC.so", as: "one.so")
      scratch.copy("libExampleToolsC.so", as: "two.so")
      let error = try #require(try load(isolation)["two.so"])
      #expect(error.contains("is there already, from plugin"), "\(error)")
      #expect(
        error.contains("\"renames\" or \"prefix\" in") && error.contains("/two.plugin.json"),
        "\(error)")
    }

    @Test(arguments: [PluginIsolation.inProcess, .child])
    func toolsThatAreNotThereAreRefused(isolation: PluginIsolation) throws {
      scratch.copy("libExampleToolsC.so", as: "one.so")
      scratch.write("one.plugin.json", #"{"renames": {"nothing": "something"}}"#)
      let error = try #require(try load(isolation)["one.so"])
      #expect(error.contains("one.plugin.json: renames: there is no tool nothing"), "\(error)")
    }

    @Test(arguments: [PluginIsolation.inProcess, .child])
    func functionsOfManifestsAreRenamedToo(isolation: PluginIsolation) throws {
      scratch.write("m.native.json", Self.manifest("libm.so.6", "sqrt"))
      scratch.write("m.plugin.json", #"{"tools": ["m_sqrt"], "renames": {"m_sqrt": "root"}}"#)
      #expect(try load(isolation)["m.native.json"] == "root")
      #expect(try host.result("root", ["x": "9"], session: try Plugins.makeSession()) == "3.0")
    }

    private static func manifest(_ library: String, _ symbol: String) -> String {
      #"{"plugin":"m","library":"\#(library)","trusted":true,"tools":[{"name":"m_\#(symbol)","#
        + #""symbol":"\#(symbol)","parameters":[{"name":"x","type":"double"}],"returns":{"type":"double"}},"#
        + #"{"name":"other","symbol":"\#(symbol)","parameters":[{"name":"x","type":"double"}],"#
        + #""returns":{"type":"double"}}]}"#
    }

    /// Tools find each other by the names that they are served by.
    @Test(arguments: [PluginIsolation.inProcess, .child])
    func toolsCallEachOtherByTheirServedNames(isolation: PluginIsolation) throws {
      scratch.copy("libSDKTools.so", as: "sdk.so")
      scratch.write("sdk.plugin.json", #"{"renames": {"sdk_state": "counted"}}"#)
      _ = try load(isolation)
      let session = try Plugins.makeSession()
      func call(_ name: String) throws -> String {
        try host.result("sdk_caller", ["tool": "\"\(name)\""], session: session)
      }
      #expect(try call("counted").contains(#""value":1"#))
      #expect(try call("sdk_state").contains("Tool not found: sdk_state"))
    }

    @Test func aPluginThatIsNotEnabledIsNotLoaded() throws {
      // It would be refused otherwise.
      scratch.write("off.so", "no shared object", mode: 0o755)
      scratch.write("off.plugin.json", #"{"enabled": false}"#)
      scratch.copy("libExampleToolsC.so", as: "on.so")
      scratch.write("on.plugin.json", #"{"enabled": true}"#)
      let reports = try load()
      #expect(reports["off.so"] == "disabled")
      #expect(reports["on.so"]?.contains("c_hello") == true)
    }

    // MARK: Digests

    @Test(arguments: PluginIsolation.allCases)
    func otherBytesThanTheSettingsSayAreRefused(isolation: PluginIsolation) throws {
      for name in ["good", "bad", "none", "case"] {
        scratch.copy("libExampleToolsC.so", as: "\(name).so")
      }
      let digest = try digest("good.so")
      let other = String(digest.reversed())
      scratch.write("good.plugin.json", #"{"sha256": "\#(digest)"}"#)
      scratch.write(
        "case.plugin.json", #"{"sha256": {"case.so": "\#(digest.uppercased())"}, "prefix": "u."}"#)
      scratch.write("bad.plugin.json", #"{"sha256": "\#(other)", "prefix": "bad."}"#)
      scratch.write("none.plugin.json", #"{"prefix": "none."}"#)
      let reports = try load(isolation, requiresDigests: true)
      #expect(reports["good.so"]?.contains("c_hello") == true, "\(reports)")
      #expect(reports["case.so"]?.contains("u.c_hello") == true, "\(reports)")
      #expect(
        reports["bad.so"]?.contains("its SHA-256 is \(digest), not \(other)") == true, "\(reports)")
      #expect(reports["none.so"]?.contains("no SHA-256 is known for it") == true, "\(reports)")
      #expect(host.tools.registry.catalog["none.c_hello"] == nil)
    }

    @Test func withoutADemandThoseWithoutADigestAreServed() throws {
      scratch.copy("libExampleToolsC.so", as: "none.so")
      #expect(try load()["none.so"]?.contains("c_hello") == true)
    }

    /// A digest that nothing would be held to protects nobody.
    @Test func digestsOfFilesThatAreNotLoadedAreRefused() throws {
      scratch.copy("libExampleToolsC.so", as: "one.so")
      let digest = try digest("one.so")
      scratch.write(
        "one.plugin.json", #"{"sha256": {"one.so": "\#(digest)", "libx.so": "\#(digest)"}}"#)
      let error = try #require(try load()["one.so"])
      #expect(error.contains("libx.so, which is not loaded from beside it"), "\(error)")
    }

    /// The libraries beside a plugin, which the loader would find by `$ORIGIN`.
    @Test func librariesBesideAPluginHaveDigestsOfTheirOwn() throws {
      let name = "libdigest\(getpid()).so"
      let build = """
        cd '\(scratch.path)' && printf 'int bridge_test_part(void) { return 7; }' > part.c \
        && clang -shared -fPIC -Wl,-soname,\(name) part.c -o \(name) && rm part.c \
        && clang -std=gnu17 -shared -fPIC -fvisibility=hidden -DNAME='"whole"' -DLOG='"/dev/null"' \
        -I'\(Fixture.project)/Sources/BridgePluginABI/include' \
        '\(Fixture.project)/Tests/PluginFixtures/leaving.c' -Wl,--no-as-needed -L. -l:\(name) \
        -Wl,-rpath,'$ORIGIN' -o whole.so && chmod 755 *.so
        """
      try #require(system(build) == 0)
      let (whole, part) = (try digest("whole.so"), try digest(name))
      func report(_ settings: String, requires: Bool) throws -> String {
        scratch.write("whole.plugin.json", settings)
        return try load(.child, requiresDigests: requires)["whole.so"] ?? ""
      }
      let unknown = try report(#"{"sha256": "\#(whole)"}"#, requires: true)
      #expect(unknown.contains("\(name): no SHA-256 is known"), "\(unknown)")
      let wrong = try report(
        #"{"sha256": {"whole.so": "\#(whole)", "\#(name)": "\#(whole)"}}"#, requires: false)
      #expect(wrong.contains("its SHA-256 is \(part)"), "\(wrong)")
      let right = try report(
        #"{"sha256": {"whole.so": "\#(whole)", "\#(name)": "\#(part)"}}"#, requires: true)
      #expect(!right.contains("SHA-256") && !right.isEmpty, "\(right)")
    }

    @Test func manifestsAndTheirLibrariesHaveDigests() throws {
      scratch.write("m.native.json", Self.manifest("libm.so.6", "sqrt"))
      let manifest = try digest("m.native.json")
      scratch.write("m.plugin.json", #"{"sha256": "\#(manifest)"}"#)
      #expect(try load(requiresDigests: true)["m.native.json"] == "m_sqrt other")
      scratch.write(
        "m.plugin.json",
        #"{"sha256": {"m.native.json": "\#(manifest)", "libm.so.6": "\#(manifest)"}}"#)
      #expect(
        try load()["m.native.json"]?.contains("libm.so.6, which is not loaded from beside it")
          == true)
      scratch.write("m.native.json", Self.manifest("libm.so.6", "cbrt"))
      scratch.write("m.plugin.json", #"{"sha256": "\#(manifest)"}"#)
      #expect(try load()["m.native.json"]?.contains("not \(manifest)") == true)
    }

    // MARK: Configuration by reference

    @Test(arguments: [PluginIsolation.inProcess, .child])
    func referencesBecomeWhatTheyReferTo(isolation: PluginIsolation) throws {
      setenv("BRIDGE_TEST_SECRET", "from the environment", 1)
      scratch.copy("libSDKTools.so", as: "configured.so")
      scratch.write("key.txt", "from a file\n", mode: 0o600)
      scratch.write("open.txt", "of everybody", mode: 0o644)
      scratch.write(
        "configured.plugin.json",
        #"""
        {"configuration": {"model": {"from_env": "BRIDGE_TEST_SECRET"}, "n": [{"from_file": "key.txt"},
        {"from_file": "\#(scratch.path)/open.txt"}]}}
        """#)
      #expect(try load(isolation)["configured.so"]?.contains("sdk_configuration") == true)
      #expect(
        try host.result("sdk_configuration", session: try Plugins.makeSession())
          == #"{"model":"from the environment","n":["from a file","of everybody"]}"#)
      let warnings = log.lines.filter { $0.contains("every user can read") }
      #expect(warnings.count == 1 && warnings[0].contains("open.txt"), "\(warnings)")
      #expect(
        !log.lines.contains { $0.contains("from a file") || $0.contains("from the environment") })
    }

    @Test(arguments: [PluginIsolation.inProcess, .child])
    func whatIsWrongWithASecretDoesNotShowIt(isolation: PluginIsolation) throws {
      setenv("BRIDGE_TEST_OTHER_SECRET", "hunter2", 1)
      scratch.copy("libSDKTools.so", as: "configured.so")
      // It must be a text there. What is beside a secret is not shown either.
      scratch.write(
        "configured.plugin.json",
        #"{"configuration": {"refuse": 7531, "model": {"from_env": "BRIDGE_TEST_OTHER_SECRET"}}}"#)
      let error = try #require(try load(isolation)["configured.so"])
      #expect(error.contains("at /refuse (what is there is not shown"), "\(error)")
      #expect(!error.contains("7531") && !log.lines.contains { $0.contains("hunter2") })
    }

    @Test func filesThatOthersCanWriteAreNotReferredTo() throws {
      scratch.copy("libSDKTools.so", as: "configured.so")
      scratch.write("key.txt", "x", mode: 0o666)
      scratch.write(
        "configured.plugin.json", #"{"configuration": {"model": {"from_file": "key.txt"}}}"#)
      let error = try #require(try load()["configured.so"])
      #expect(
        error.contains("configuration.model.from_file: ") && error.contains("chmod go-w"),
        "\(error)")
    }
  }
}
