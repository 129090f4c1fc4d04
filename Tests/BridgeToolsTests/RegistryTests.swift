import Testing
import Threads

@testable import BridgeTools

@Suite struct RegistryTests {
  private func tool(_ name: String, _ answer: Int64 = 0) -> ClosureTool {
    ClosureTool(name) { $0.answer(answer) }
  }

  @Test func aNameIsTakenOnce() throws {
    let test = try TestHost([tool("a"), tool("b")])
    let registry = test.host.registry
    let before = registry.catalog
    for provider in [
      TestProvider("other", [tool("c"), tool("a")]), TestProvider("twice", [tool("d"), tool("d")]),
    ] {
      let error = #expect(throws: ToolsError.self) { try registry.register(provider) }
      #expect(error?.code == .nameTaken)
    }
    // Nothing of the refused ones is there.
    #expect(registry.catalog === before)
    #expect(registry.catalog.descriptions.map(\.name) == ["a", "b"])
    let error = #expect(throws: ToolsError.self) { try registry.admit("c") }
    #expect(error?.code == .toolNotFound)
  }

  @Test func aReplacedProviderIsRetiredWhenItsLastCallHasEnded() throws {
    let gate = Gate()
    let test = try TestHost([tool("other")])
    let registry = test.host.registry
    let old = TestProvider(
      "p",
      [
        ClosureTool("a") { call in
          gate.wait()
          call.answer(1)
        }
      ])
    try registry.register(old)
    let running = Recorder()
    try test.start("a", recorder: running)
    let new = TestProvider("p", [tool("a", 2), tool("b", 3)])
    let generation = try registry.register(new)
    #expect(old.retirements.withLock { $0 } == 0)
    #expect(registry.generations.map(\.state).contains(.draining(calls: 1)))
    // New calls reach the new one at once.
    #expect(try test.run("a").integer == 2)
    #expect(try test.run("b").integer == 3)
    gate.open()
    #expect(running.wait().integer == 1)
    while old.retirements.withLock({ $0 }) == 0 {}
    // The observer hears of a call's end a moment before.
    while generation.state != .admitting(calls: 0) {}
    #expect(registry.generations.count == 2)

    #expect(registry.remove("p") === generation)
    #expect(registry.remove("p") == nil)
    #expect(generation.state == .retired)
    #expect(new.retirements.withLock { $0 } == 1)
    #expect(old.retirements.withLock { $0 } == 1)
    #expect(registry.catalog.descriptions.map(\.name) == ["other"])
  }

  /// Tools move from one provider to another in one step.
  @Test func aProviderMayReplaceOthers() throws {
    let registry = try TestHost([]).host.registry
    let (old, other) = (TestProvider("old", [tool("a")]), TestProvider("other", [tool("b")]))
    try registry.register(old)
    try registry.register(other)
    let new = TestProvider("new", [tool("a"), tool("b")])
    #expect(throws: ToolsError.self) { try registry.register(new, removing: ["old"]) }
    #expect(registry.catalog.count == 2 && old.retirements.withLock { $0 } == 0)
    try registry.register(new, removing: ["old", "other", "unknown"])
    #expect(registry.catalog["a"]?.generation.provider === new)
    #expect(old.retirements.withLock { $0 } == 1 && other.retirements.withLock { $0 } == 1)
    #expect(registry.remove("old") == nil)
  }

  @Test func everyChangeIsTold() throws {
    let registry = try TestHost([]).host.registry
    let counts = Locked<[Int]>([])
    var watch: ToolRegistry.Watch? = registry.watch {
      counts.withLock { $0.append(registry.catalog.count) }
    }
    try registry.register(TestProvider("p", [tool("a")]))
    try registry.register(TestProvider("p", [tool("a"), tool("b")]))
    #expect(throws: ToolsError.self) { try registry.register(TestProvider("q", [tool("a")])) }
    registry.remove("q")
    registry.remove("p")
    #expect(counts.withLock { $0 } == [1, 2, 0])
    withExtendedLifetime(watch) {}
    watch = nil
    try registry.register(TestProvider("p", [tool("a")]))
    #expect(counts.withLock { $0 } == [1, 2, 0])
  }

  @Test func aToolThatWasAdmittedAndNotCalledIsGivenBack() throws {
    let test = try TestHost([tool("a")])
    let generation = try #require(test.host.registry.generations.first)
    do {
      let admitted = try test.host.registry.admit("a")
      #expect(admitted.description.name == "a")
      #expect(generation.state == .admitting(calls: 1))
    }
    #expect(generation.state == .admitting(calls: 0))
  }

  /// Calls go on all the time while the provider is replaced: none fails, and each old one is retired once.
  @Test func replacingUnderLoadLosesNoCall() throws {
    let test = try TestHost([])
    let registry = test.host.registry
    try registry.register(TestProvider("p", [tool("a", 0)]))
    let isOver = Locked(false)
    let failures = Locked<[String]>([])
    let ended = (0..<4).map { _ in Gate() }
    for gate in ended {
      let hasStarted = startThread(named: "caller") {
        while !isOver.withLock({ $0 }) {
          do {
            let outcome = try test.run("a")
            if outcome.integer == nil { failures.withLock { $0.append("\(outcome)") } }
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
        gate.open()
      }
      #expect(hasStarted)
    }
    var providers: [TestProvider] = []
    for number in 1...500 {
      let provider = TestProvider("p", [tool("a", Int64(number))])
      providers.append(provider)
      try registry.register(provider)
    }
    isOver.withLock { $0 = true }
    for gate in ended { gate.wait() }
    #expect(failures.withLock { $0 } == [])
    for provider in providers.dropLast() {
      while provider.retirements.withLock({ $0 }) == 0 {}
      #expect(provider.retirements.withLock { $0 } == 1)
    }
    #expect(providers.last?.retirements.withLock { $0 } == 0)
    test.host.stop()
  }
}
