import BridgeSessions
import BridgeTools
import Glibc
import Testing
import Threads

@testable import BridgePluginHost

/// Plugins that go: `deinit`, states, and unmapping.
@Suite struct UnloadingTests {
  /// A plugin that tells a file what becomes of it.
  private struct Leaving {
    let fixture: Fixture
    let host = TestHost()
    let name: String

    init(_ name: String, _ traits: String...) throws {
      self.name = name
      // The log is not the fixture's: its name must be known before.
      let log = Fixture.makeDirectory() + "/log"
      var definitions: [String: String?] = ["NAME": name, "LOG": log]
      for trait in traits { definitions[trait] = .some(nil) }
      fixture = try Fixture("leaving.c", definitions, as: name)
      logPath = log
      _ = try host.plugins.load(fixture.path)
    }

    private let logPath: String

    /// What happened so far.
    var events: [String] {
      guard let file = fopen(logPath, "r") else { return [] }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = fread(&bytes, 1, bytes.count, file)
      return String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").map(
        String.init)
    }

    func unload() -> Bool { host.plugins.unload(fixture.path) }

    func waitFor(_ event: String) -> Bool { Fixture.eventually { events.contains(event) } }

    /// Whether the shared object is in memory.
    var isMapped: Bool {
      guard let file = fopen("/proc/self/maps", "r") else { return false }
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 4096)
      while fgets(&line, CInt(line.count), file) != nil {
        let text = String(
          decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        if text.contains("memfd:\(name).so") { return true }
      }
      return false
    }
  }

  @Test func aPluginThatCanGoIsUnmapped() throws {
    let plugin = try Leaving("goes")
    let session = try Plugins.makeSession()
    #expect(try plugin.host.result("run_goes", session: session) == "1")
    #expect(plugin.isMapped)
    #expect(plugin.unload())
    #expect(plugin.waitFor("unmapped"))
    #expect(plugin.events == ["init", "state", "deinit", "unmapped"])
    #expect(Fixture.eventually { !plugin.isMapped })
    #expect(throws: ToolsError.self) { try plugin.host.run("run_goes", session: session) }
    #expect(!plugin.unload())
  }

  @Test func aPluginThatRefusesStays() throws {
    let plugin = try Leaving("refuses", "REFUSING")
    #expect(plugin.unload())
    #expect(plugin.waitFor("deinit"))
    usleep(20_000)
    #expect(plugin.events == ["init", "deinit"] && plugin.isMapped)
  }

  @Test func aPluginThatDoesNotSayThatItCanGoStays() throws {
    let plugin = try Leaving("stays", "RESIDENT")
    #expect(plugin.unload())
    #expect(plugin.waitFor("deinit"))
    usleep(20_000)
    #expect(plugin.events == ["init", "deinit"] && plugin.isMapped)
  }

  @Test func aCallThatRunsIsWaitedFor() throws {
    let plugin = try Leaving("waits")
    let recorder = Recorder()
    let call = try plugin.host.begin(
      "wait_waits", session: try Plugins.makeSession(), recorder: recorder)
    while recorder.progress.isEmpty {}
    #expect(plugin.unload())
    usleep(20_000)
    #expect(plugin.events == ["init"])
    call.cancel(.cancelled)
    #expect(plugin.waitFor("unmapped"))
    #expect(plugin.events == ["init", "woken", "deinit", "unmapped"])
  }

  /// Memory that a call has given away goes back before the code that takes it back does.
  @Test func whatItHasGivenAwayKeepsIt() throws {
    let plugin = try Leaving("gives")
    do {
      let outcome = try plugin.host.run("give_gives", session: try Plugins.makeSession())
      #expect(plugin.unload())
      usleep(50_000)
      #expect(plugin.events == ["init"])
      #expect(try outcome.result.get().owned == .json(Array("[1,2]".utf8), .array))
    }
    #expect(plugin.waitFor("unmapped"))
    #expect(plugin.events == ["init", "released", "deinit", "unmapped"])
  }

  @Test func aReplacedPluginGoesWhenItsCallsHaveEnded() throws {
    let plugin = try Leaving("again")
    let session = try Plugins.makeSession()
    let recorder = Recorder()
    let call = try plugin.host.begin("wait_again", session: session, recorder: recorder)
    while recorder.progress.isEmpty {}
    _ = try plugin.host.plugins.load(plugin.fixture.path)
    #expect(try plugin.host.result("run_again", session: session) == "1")
    call.cancel(.cancelled)
    #expect(plugin.waitFor("unmapped"))
    #expect(plugin.events == ["init", "init", "woken", "deinit", "unmapped"])
    #expect(try plugin.host.result("run_again", session: session) == "1")
  }

  @Test func everythingIsUnloadedAtTheEnd() throws {
    let plugin = try Leaving("ends")
    #expect(plugin.host.plugins.unloadAll(until: MonotonicClock.now + 20_000_000_000) == [])
    #expect(plugin.events.contains("deinit"))
  }

  // MARK: Loading

  @Test func pluginsAreLoadedInManyThreadsAtOnce() throws {
    let host = TestHost()
    let fixtures = try (0..<4).map {
      try Fixture("leaving.c", ["NAME": "n\($0)", "LOG": "/dev/null"])
    }
    let paths = fixtures.map(\.path)
    let failures = Locked<[String]>([])
    let loaded = Locked(0)
    let threads = (0..<8).map { number in
      Thread {
        // Two threads load each, again and again: the later replaces the earlier.
        for _ in 0..<10 {
          do {
            let tools = try host.plugins.load(paths[number % 4])
            loaded.withLock { $0 += tools.count }
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    #expect(loaded.withLock { $0 } == 8 * 10 * 3)
    let session = try Plugins.makeSession()
    for number in 0..<4 { #expect(try host.result("run_n\(number)", session: session) == "1") }
    #expect(host.tools.registry.generations.filter { $0.provider is Plugin }.count >= 4)
    withExtendedLifetime(fixtures) {}
  }

  /// Whatever is missing of a file: it is refused, or it is loaded; the process goes on.
  @Test func aTruncatedFileIsRefusedOrLoaded() throws {
    let whole = try Fixture("leaving.c", ["NAME": "cut", "LOG": "/dev/null"])
    system("strip '\(whole.path)'")
    let bytes = try #require(readAll(whole.path))
    let host = TestHost()
    #expect(try host.plugins.load(whole.path).count == 3)
    // From the end: a file gets shorter and no other.
    var refused = 0
    var accepted = 0
    for length in stride(from: bytes.count - 1, through: 0, by: -1) {
      // In memory of just that size, so that reading beyond it is seen.
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
      defer { copy.deallocate() }
      copy.copyBytes(from: bytes[..<length])
      do {
        _ = try ELFImage(UnsafeRawBufferPointer(copy))
        accepted += 1
        guard accepted % 100 == 1 else { continue }
      } catch {
        refused += 1
        guard refused % 500 == 1 else { continue }
      }
      truncate(whole.path, length)
      let result = Result { () throws(PluginError) in try host.plugins.load(whole.path) }
      // The table of sections at the end is not needed.
      if refused == 0 { #expect((try? result.get())?.count == 3) }
      if case .failure(let error) = result {
        #expect(error.description.contains("cut off") || length < 64)
      }
    }
    #expect(refused > bytes.count / 2 && accepted > 0)
  }

  private func readAll(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
  }
}
