import BridgePluginHost
import BridgePluginProcess
import BridgeTools
import Glibc
import Testing
import Threads

@testable import BridgePlugins

@Suite struct PluginStampTests {
  @Test func everyWayToChangeAFileIsSeen() {
    let scratch = Scratch()
    scratch.write("a", "one")
    let paths = ["\(scratch.path)/a", "\(scratch.path)/missing"]
    var last = PluginStamp(of: paths)
    func changes(_ body: () -> Void) -> Bool {
      // Times of files are as fine as the kernel's ticks.
      usleep(20_000)
      body()
      defer { last = PluginStamp(of: paths) }
      return PluginStamp(of: paths) != last
    }
    #expect(!changes {})
    #expect(changes { scratch.write("a", "two") })
    #expect(changes { chmod(paths[0], 0o600) })
    #expect(changes { scratch.write("missing", "now it is there") })
    #expect(changes { unlink(paths[1]) })
    #expect(
      changes {
        scratch.write("b", "two")
        rename("\(scratch.path)/b", paths[0])
      })
    #expect(!changes { scratch.write("c", "another file") })
  }
}

@Suite struct DropInTests {
  /// A directory that builds of the plugin are put into.
  private final class Place {
    let scratch = Scratch()
    let host = TestHost()
    let plugins: PluginDirectory
    /// What looks are told: no test waits for time to go by.
    var now: Int64 = 1_000_000_000

    init(_ isolation: PluginIsolation = .child) {
      plugins = DirectoryTestsSupport.directory(scratch.path, host, isolation)
    }

    deinit { _ = plugins.unloadAll(until: MonotonicClock.now + 10_000_000_000) }

    func put(_ build: Int, _ options: [String: String?] = [:], as name: String = "p.so") throws {
      var definitions = options
      definitions["BUILD=\(build)"] = .some(nil)
      let fixture = try Fixture("generations.c", definitions)
      #expect(system("cp '\(fixture.path)' '\(scratch.path)/.new'") == 0)
      chmod("\(scratch.path)/.new", 0o755)
      rename("\(scratch.path)/.new", "\(scratch.path)/\(name)")
    }

    @discardableResult func refresh() -> Int64? { plugins.refresh(at: now) }

    func answer(_ tool: String = "build") throws -> String {
      try host.result(tool, session: try Plugins.makeSession())
    }

    func status(_ file: String = "p.so") throws -> PluginStatus {
      try #require(plugins.plugins.first { $0.file == file })
    }
  }

  @Test(arguments: PluginIsolation.allCases)
  func generationsFollowOneAnother(isolation: PluginIsolation) throws {
    let place = Place(isolation)
    #expect(try place.plugins.load().isEmpty)
    try place.put(1)
    place.refresh()
    #expect(try place.answer() == "1")
    try place.put(2)
    place.refresh()
    #expect(try place.answer() == "2")
    var status = try place.status()
    #expect(status.state == .serving && status.generation == 2 && status.reason.isEmpty)
    #expect(status.isolation == isolation.rawValue && status.name == "generations")
    #expect(status.tools.sorted() == ["build", "crash", "hold", "process", "ticks"])
    #expect(isolation != .inProcess || status.processes.isEmpty)
    // Those for calls are made ahead of need.
    let hasProcess = try Fixture.eventually {
      try isolation == .inProcess || !place.status().processes.isEmpty
    }
    #expect(hasProcess)
    // Nothing has changed, so nothing happens.
    place.refresh()
    #expect(try place.status().generation == 2)
    try place.put(3, ["REFUSES": nil])
    place.refresh()
    #expect(try place.answer() == "2")
    status = try place.status()
    #expect(status.state == .serving && status.generation == 2)
    #expect(status.reason.contains("this build refuses"), "\(status.reason)")
    unlink("\(place.scratch.path)/p.so")
    place.refresh()
    #expect(place.plugins.plugins.isEmpty && place.host.tools.registry.catalog.count == 0)
  }

  @Test func aFileThatGrowsIsWaitedFor() throws {
    let place = Place()
    _ = try place.plugins.load()
    try place.put(1)
    place.refresh()
    let whole = try Fixture("generations.c", ["BUILD=2": nil])
    func write(_ count: Int) {
      let command = "head -c \(count) '\(whole.path)' > '\(place.scratch.path)/p.so'"
      #expect(system(command) == 0)
    }
    write(3000)
    #expect(place.refresh() == place.now + PluginDirectory.quietTime)
    #expect(try place.status().reason.isEmpty)
    place.now += PluginDirectory.quietTime / 2
    write(5000)
    #expect(place.refresh() == place.now + PluginDirectory.quietTime)
    #expect(try place.answer() == "1")
    // It grows no more: this is all there is.
    place.now += PluginDirectory.quietTime
    #expect(place.refresh() == nil)
    let reason = try place.status().reason
    #expect(reason.contains("cut off"), "\(reason)")
    #expect(try place.answer() == "1")
    write(1 << 30)
    place.refresh()
    #expect(try place.answer() == "2")
    #expect(try place.status().reason.isEmpty)
  }

  /// A process that is made later loads what its generation was loaded from.
  @Test func aGenerationStaysWhatItWas() throws {
    let place = Place()
    _ = try place.plugins.load()
    try place.put(1)
    place.refresh()
    try place.put(2, ["CRASHES": nil])
    place.refresh()
    let before = try place.answer("process")
    #expect(try place.answer("crash").contains("SIGSEGV"))
    #expect(try place.answer() == "1")
    #expect(try place.answer("process") != before)
    #expect(try place.status().crashes == 1)
  }

  @Test func whatIsDisabledStaysAway() throws {
    let place = Place()
    _ = try place.plugins.load()
    try place.put(1)
    place.refresh()
    #expect(try place.plugins.disable("p").state == .disabled)
    #expect(place.host.tools.registry.catalog.count == 0)
    try place.put(2)
    place.refresh()
    unlink("\(place.scratch.path)/p.so")
    place.refresh()
    try place.put(3)
    place.refresh()
    #expect(try place.status().state == .disabled)
    #expect(throws: ToolsError.self) { try place.plugins.reload("p", isTrial: false) }
    #expect(try place.plugins.enable("p.so").state == .serving)
    #expect(try place.answer() == "3")
  }

  @Test(arguments: PluginIsolation.allCases)
  func whatIsQuarantinedSaysSo(isolation: PluginIsolation) throws {
    let place = Place(isolation)
    _ = try place.plugins.load()
    try place.put(1)
    place.refresh()
    let status = try place.plugins.quarantine("generations", reason: "it lies")
    #expect(status.state == .quarantined && status.reason == "it lies" && status.isolation.isEmpty)
    #expect(try place.answer() == "failed: plugin generations is out of service: it lies")
    let tool = try #require(place.host.tools.registry.catalog["build"])
    #expect(tool.description.outOfService == "it lies")
    #expect(throws: ToolsError.self) { try place.plugins.quarantine("p", reason: "again") }
    #expect(try place.plugins.enable("p").state == .serving)
    #expect(try place.answer() == "1")
    // A new file lifts it, one that cannot be loaded does not.
    _ = try place.plugins.quarantine("p", reason: "it lies")
    try place.put(2, ["REFUSES": nil])
    place.refresh()
    #expect(try place.status().state == .quarantined)
    #expect(throws: ToolsError.self) { try place.plugins.enable("p") }
    #expect(try place.status().state == .quarantined)
    try place.put(3)
    place.refresh()
    #expect(try place.answer() == "3")
    #expect(try place.status().state == .serving)
  }

  @Test func whatKeepsCrashingIsListedAsOutOfService() throws {
    let place = Place()
    _ = try place.plugins.load()
    try place.put(1)
    place.refresh()
    for _ in 0..<6 { _ = try place.answer("crash") }
    #expect(
      Fixture.eventually {
        place.host.tools.registry.catalog["build"]?.description.outOfService.isEmpty == false
      })
    let status = try place.status()
    #expect(status.state == .quarantined && status.crashes == 6 && status.processes.isEmpty)
    #expect(status.reason.contains("the 6th time in a row"), "\(status.reason)")
    #expect(try place.answer().contains("out of service"))
    #expect(try place.plugins.enable("p").state == .serving)
    #expect(try place.answer() == "1")
    #expect(try place.status().crashes == 6)
  }

  @Test(arguments: [PluginIsolation.child, .inProcess])
  func aTrialChangesNothing(isolation: PluginIsolation) throws {
    let place = Place(isolation)
    _ = try place.plugins.load()
    try place.put(1)
    place.refresh()
    try place.put(2)
    var tried = try place.plugins.reload("p", isTrial: true)
    #expect(tried.map(\.outcome) == [.wouldLoad] && tried[0].tools.contains("build"))
    try place.put(3, ["CRASHES": nil])
    tried = try place.plugins.reload(nil, isTrial: true)
    #expect(tried.map(\.outcome) == [.failed] && tried[0].reason.contains("SIGSEGV"))
    #expect(try place.answer() == "1")
    #expect(try place.status().generation == 1)
    try place.put(4)
    #expect(try place.plugins.reload("p", isTrial: false).map(\.outcome) == [.loaded])
    #expect(try place.answer() == "4")
    // By name also when nothing has changed.
    #expect(try place.plugins.reload("p", isTrial: false).map(\.outcome) == [.loaded])
    #expect(try place.plugins.reload(nil, isTrial: false).isEmpty)
    #expect(try place.status().generation == 3)
  }

  @Test func namesFindPlugins() throws {
    let place = Place()
    _ = try place.plugins.load()
    try place.put(1, as: "a.so")
    try place.put(2, ["PREFIX": "b_"], as: "b.so")
    place.scratch.write("a.native.json", "{")
    place.now += PluginDirectory.quietTime
    place.refresh()
    place.now += PluginDirectory.quietTime
    place.refresh()
    #expect(try place.status("a.native.json").state == .broken)
    func code(_ name: String) -> ToolsError.Code? {
      do throws(ToolsError) {
        _ = try place.plugins.reload(name, isTrial: true)
        return nil
      } catch { return error.code }
    }
    #expect(code("none") == .pluginNotFound)
    #expect(code("a") == .failedPrecondition)
    #expect(code("a.so") == nil && code("b") == nil && code("b_generations") == nil)
  }
}

/// What other suites of this module have as well.
enum DirectoryTestsSupport {
  static func directory(
    _ path: String, _ host: TestHost, _ isolation: PluginIsolation
  ) -> PluginDirectory {
    var configuration = PluginDirectory.Configuration()
    configuration.isolation = isolation
    return PluginDirectory(path, tools: host.tools, configuration: configuration)
  }
}

@Suite struct DirectoryWatchTests {
  /// Counts looks, and what they are interested in.
  private final class Looks: Sendable {
    let count = Locked(0)
    let interest = Locked(DirectoryWatch.Interest(places: [:]))

    func watch(_ path: String) -> DirectoryWatch? {
      DirectoryWatch(path) {
        self.count.withLock { $0 += 1 }
        return self.interest.withLock(\.self)
      } failed: {
        Issue.record("no watch: \($0)")
      }
    }

    /// Whether something done leads to a look.
    func follow(_ body: () -> Void) -> Bool {
      let before = count.withLock(\.self)
      body()
      return Fixture.eventually { count.withLock(\.self) > before }
    }
  }

  /// Nothing is going on any more that leads to a look.
  private func settle(_ looks: Looks) {
    var last = -1
    while looks.count.withLock(\.self) != last {
      last = looks.count.withLock(\.self)
      usleep(300_000)
    }
  }

  @Test func changesAreTold() throws {
    let (scratch, other) = (Scratch(), Scratch())
    let looks = Looks()
    looks.interest.withLock { $0.places = [other.path: ["wanted"]] }
    let watch = try #require(looks.watch(scratch.path))
    settle(looks)
    #expect(looks.follow { scratch.write("a", "1") })
    settle(looks)
    #expect(looks.follow { rename("\(scratch.path)/a", "\(scratch.path)/b") })
    settle(looks)
    #expect(looks.follow { unlink("\(scratch.path)/b") })
    settle(looks)
    #expect(looks.follow { other.write("wanted", "1") })
    settle(looks)
    let before = looks.count.withLock(\.self)
    other.write("unwanted", "1")
    usleep(300_000)
    #expect(looks.count.withLock(\.self) == before)
    #expect(looks.follow { watch.poke() })
    // A time to look again, which has come already.
    looks.interest.withLock { $0.again = 0 }
    #expect(looks.follow { watch.poke() })
    #expect(looks.follow {})
    watch.cancel(waitingUntil: MonotonicClock.now + 20_000_000_000)
    let last = looks.count.withLock(\.self)
    watch.poke()
    scratch.write("c", "1")
    usleep(100_000)
    #expect(looks.count.withLock(\.self) == last)
  }

  @Test func aDirectoryThatComesLaterIsSeen() throws {
    let scratch = Scratch()
    let path = "\(scratch.path)/plugins"
    let looks = Looks()
    let watch = try #require(looks.watch(path))
    settle(looks)
    #expect(looks.follow { mkdir(path, 0o755) })
    settle(looks)
    #expect(looks.follow { _ = system("touch '\(path)/a'") })
    settle(looks)
    #expect(looks.follow { _ = system("rm -r '\(path)'") })
    watch.cancel(waitingUntil: MonotonicClock.now + 20_000_000_000)
  }
}
