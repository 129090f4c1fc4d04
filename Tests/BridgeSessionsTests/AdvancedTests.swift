import Testing

@testable import BridgeSessions

/// History, rollback, dependencies, optimizations, access rules, constraint changes, byte limits.
@Suite struct AdvancedTests {
  private let elixir = Writer(.elixir)

  private func makeSession(_ change: (inout SessionLimits) -> Void = { _ in }) throws -> Session {
    var limits = SessionLimits()
    change(&limits)
    return try SessionStore(limits: limits).create("s")
  }

  private func register(
    _ session: Session, _ name: String, constraints: String = "", access: String = ""
  ) throws {
    try session.register(
      name: name, type: .integer, constraints: constraints, accessControl: access,
      payload: Payload(.integer(0)), writer: elixir)
  }

  @discardableResult
  private func set(
    _ session: Session, _ name: String, _ number: Int64, by writer: Writer? = nil
  ) throws -> Variable {
    try session.set(name, writer: writer ?? elixir) { _ in Payload(.integer(number)) }
  }

  private func code(_ body: () throws -> Void) -> SessionError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? SessionError)?.code
    }
  }

  private func take(_ watch: Watch) -> [Change] {
    var changes: [Change] = []
    while case .more = watch.take(&changes, limit: 3) {}
    return changes
  }

  // MARK: History

  @Test func historyIsNewestFirstAndBounded() throws {
    let session = try makeSession { $0.historyVersions = 3 }
    try register(session, "a")
    for number in 1...5 { try set(session, "a", Int64(number)) }
    #expect(try session.history(of: "a").versions.map(\.version) == [6, 5, 4, 3])
    #expect(
      try session.history(of: "a", limit: 2).versions.map(\.value) == [.integer(5), .integer(4)])
    #expect(code { _ = try session.history(of: "a", limit: -1) } == .invalidArgument)
    #expect(code { _ = try session.history(of: "b") } == .variableNotFound)
  }

  @Test func historyOfASessionIsBoundedInBytes() throws {
    let session = try makeSession { $0.historyBytes = 2000 }
    try register(session, "a")
    try register(session, "b")
    for number in 1...50 {
      try set(session, "a", Int64(number))
      try set(session, "b", Int64(number))
    }
    #expect(session.statistics.historyBytes <= 2000)
    #expect(session.statistics.historyBytes > 0)
    _ = try session.delete("a", writer: elixir)
    _ = try session.delete("b", writer: elixir)
    #expect(session.statistics.historyBytes == 0)
  }

  @Test func rollbackIsANewVersion() throws {
    let session = try makeSession { $0.historyVersions = 2 }
    try register(session, "a")
    for number in 1...4 { try set(session, "a", Int64(number)) }
    let variable = try session.rollback("a", to: 4, writer: elixir)
    #expect((variable.version, variable.value) == (6, .integer(3)))
    #expect(variable.metadata["rollback_to"] == "4")
    #expect(code { try session.rollback("a", to: 1, writer: elixir) } == .tooOld)
    #expect(code { try session.rollback("a", to: 0, writer: elixir) } == .invalidArgument)
    #expect(code { try session.rollback("a", to: 7, writer: elixir) } == .invalidArgument)
    #expect(
      code { try session.rollback("a", to: 5, expectedVersion: 5, writer: elixir) }
        == .versionMismatch)
  }

  @Test func rollbackSatisfiesPresentConstraints() throws {
    let session = try makeSession()
    try register(session, "a")
    try set(session, "a", 50)
    try set(session, "a", 5)
    try session.setConstraints(#"{"max": 10}"#, of: "a", writer: elixir)
    #expect(code { try session.rollback("a", to: 2, writer: elixir) } == .invalidValue)
    #expect(try session.rollback("a", to: 1, writer: elixir).value == .integer(0))
  }

  // MARK: Constraint changes

  @Test func constraintsChangeWithOrWithoutAValue() throws {
    let session = try makeSession()
    try register(session, "a", constraints: #"{"max": 10}"#)
    let id = try session.get("a").variable.id
    let (watch, _, _) = try session.watch([id]) {}
    #expect(code { try set(session, "a", 11) } == .invalidValue)
    try session.setConstraints(#"{"max": 20}"#, of: "a", writer: elixir)
    try set(session, "a", 11)
    #expect(
      code { try session.setConstraints(#"{"max": 5}"#, of: "a", writer: elixir) }
        == .invalidValue)
    try session.setConstraints(#"{"max": 5}"#, of: "a", writer: elixir) { _ in
      Payload(.integer(4))
    }
    let changes = take(watch)
    #expect(changes.map(\.kind) == [.constraintsChanged, .valueChanged, .constraintsChanged])
    #expect(changes.map(\.variable.version) == [2, 3, 4])
    #expect(changes.last?.variable.definition.constraintsJSON == #"{"max": 5}"#)
    #expect(changes.last?.previous?.value == .integer(11))
    #expect(try session.get("a").variable.id == id)
  }

  // MARK: Access rules

  @Test func readOnlyMeansUnchanged() throws {
    let session = try makeSession()
    try register(session, "a", access: #"{"read_only": true}"#)
    #expect(code { try set(session, "a", 1) } == .permissionDenied)
    #expect(code { _ = try session.delete("a", writer: elixir) } == .permissionDenied)
    #expect(code { try session.rollback("a", to: 1, writer: elixir) } == .permissionDenied)
    #expect(code { try session.setConstraints("", of: "a", writer: elixir) } == .permissionDenied)
    #expect(code { _ = try session.startOptimization(of: "a", by: "o") } == .permissionDenied)
    let update = Update("a") { _ in Payload(.integer(1)) }
    for atomic in [true, false] {
      let result = try session.set([update], atomic: atomic, writer: elixir)
      #expect(code { _ = try result.results[0].get() } == .permissionDenied)
    }
    #expect(try session.get("a").variable.version == 1)
  }

  @Test func onlyTheWritersWrite() throws {
    let session = try makeSession()
    try register(session, "a", access: #"{"writers": ["python", "tool:s*"]}"#)
    #expect(code { try set(session, "a", 1) } == .permissionDenied)
    let tool = Writer(.plugin, metadata: ["source": "tool:scale"])
    try set(session, "a", 1, by: tool)
    try set(session, "a", 2, by: Writer(.python))
    let other = Writer(.plugin, metadata: ["source": "tool:other"])
    #expect(code { try set(session, "a", 3, by: other) } == .permissionDenied)
  }

  @Test(arguments: ["[]", "{", #"{"read_only": 1}"#, #"{"writers": [1]}"#, #"{"reader": true}"#])
  func refusesRulesItDoesNotUnderstand(_ rules: String) throws {
    let session = try makeSession()
    #expect(code { try register(session, "a", access: rules) } == .invalidArgument)
  }

  // MARK: Dependencies

  @Test func aChangeIsReportedForAllThatDepends() throws {
    let session = try makeSession()
    for name in ["a", "b", "c", "d"] { try register(session, name) }
    try session.addDependency(of: "b", on: "a", type: "data")
    try session.addDependency(of: "c", on: "b", type: "control")
    let (watch, _, _) = try session.watch([]) {}
    try set(session, "a", 1)
    let changes = take(watch)
    #expect(changes.map(\.variable.name) == ["a", "b", "c"])
    #expect(changes.map(\.kind) == [.valueChanged, .dependencyChanged, .dependencyChanged])
    #expect(changes.map(\.revision) == [5, 5, 5])
    #expect(changes.map(\.isLastInRevision) == [false, false, true])
    #expect(changes.map(\.cause) == ["", "data", "control"])
    #expect(changes.map(\.causedBy) == ["", "a", "b"])
    #expect(changes.map(\.variable.version) == [2, 1, 1])
    #expect(try session.get("c").variable.status.staleSince == 5)

    try set(session, "a", 2)
    #expect(try session.get("b").variable.status.staleSince == 5)
    try set(session, "b", 1)
    #expect(try session.get("b").variable.status.staleSince == 0)
    #expect(try session.get("c").variable.status.staleSince == 5)
  }

  @Test func whatABatchWritesItselfIsNotStale() throws {
    let session = try makeSession()
    for name in ["a", "b", "c"] { try register(session, name) }
    try session.addDependency(of: "b", on: "a", type: "")
    try session.addDependency(of: "c", on: "b", type: "")
    let updates = ["a", "b"].map { Update($0) { _ in Payload(.integer(1)) } }
    _ = try session.set(updates, atomic: true, writer: elixir)
    #expect(try session.get("b").variable.status.staleSince == 0)
    #expect(try session.get("c").variable.status.staleSince == 4)
  }

  @Test func cyclesAreRefusedWithTheirPath() throws {
    let session = try makeSession()
    for name in ["a", "b", "c"] { try register(session, name) }
    try session.addDependency(of: "b", on: "a", type: "")
    try session.addDependency(of: "c", on: "b", type: "")
    let error = #expect(throws: SessionError.self) {
      try session.addDependency(of: "a", on: "c", type: "")
    }
    #expect(error?.code == .failedPrecondition)
    #expect(error?.message.contains("a -> b -> c -> a") == true)
    #expect(code { try session.addDependency(of: "a", on: "a", type: "") } == .failedPrecondition)
    #expect(code { try session.addDependency(of: "x", on: "a", type: "") } == .variableNotFound)
    #expect(session.dependencies.count == 2)

    _ = try session.delete("b", writer: elixir)
    #expect(session.dependencies.isEmpty)
    try session.addDependency(of: "a", on: "c", type: "")
  }

  /// The graph never has a cycle, and reaches what a search over plain pairs reaches.
  @Test func graphAgreesWithAPlainSearch() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      var graph = DependencyGraph()
      var pairs: Set<[Int]> = []
      func reaches(_ start: Int, _ end: Int) -> Bool {
        var seen: Set<Int> = []
        var stack = [start]
        while let node = stack.popLast() {
          if node == end { return true }
          guard seen.insert(node).inserted else { continue }
          stack += pairs.filter { $0[0] == node }.map { $0[1] }
        }
        return false
      }
      for _ in 0..<40 {
        let source = Int.random(in: 0..<8, using: &generator)
        let dependent = Int.random(in: 0..<8, using: &generator)
        if Int.random(in: 0..<10, using: &generator) == 0 {
          graph.remove("\(source)")
          pairs = pairs.filter { !$0.contains(source) }
          continue
        }
        let closesCycle = reaches(dependent, source)
        let dependency = DependencyImage(
          source: "\(source)", dependent: "\(dependent)", type: "")
        let path = graph.cycle(closedBy: dependency)
        #expect((path != nil) == closesCycle)
        if path == nil { graph.add(dependency) }
        if !closesCycle { pairs.insert([source, dependent]) }
        #expect(graph.count == pairs.count)
      }
      for node in 0..<8 {
        let reached = Set(graph.affected(by: ["\(node)"]).map(\.name))
        #expect(reached == Set((0..<8).filter { $0 != node && reaches(node, $0) }.map(String.init)))
      }
    }
  }

  // MARK: Optimizations

  @Test func onlyTheOptimizerWrites() throws {
    let session = try makeSession()
    try register(session, "a")
    let (watch, _, _) = try session.watch(["a"]) {}
    let optimization = try session.startOptimization(of: "a", by: "tpe").variable.status
      .optimization
    let error = #expect(throws: SessionError.self) { try set(session, "a", 1) }
    #expect(error?.code == .failedPrecondition)
    #expect(error?.message.contains("tpe") == true)
    #expect(code { _ = try session.delete("a", writer: elixir) } == .failedPrecondition)
    #expect(code { _ = try session.startOptimization(of: "a", by: "x") } == .failedPrecondition)
    try set(session, "a", 1, by: Writer(.python, metadata: ["optimizer_id": "tpe"]))
    try set(
      session, "a", 2,
      by: Writer(.python, metadata: ["optimization_id": try #require(optimization?.id)]))
    // Starting again is a renewal.
    #expect(
      try session.startOptimization(of: "a", by: "tpe").variable.status.optimization?.id
        == optimization?.id)
    #expect(
      code { _ = try session.stopOptimization(of: "a", holder: "x", force: false) }
        == .failedPrecondition)
    let (final, revision) = try session.stopOptimization(of: "a", holder: "tpe", force: false)
    #expect(revision == session.revision)
    #expect((final.version, final.value) == (3, .integer(2)))
    try set(session, "a", 3)
    #expect(
      code { _ = try session.stopOptimization(of: "a", holder: nil, force: false) }
        == .failedPrecondition)
    _ = try session.stopOptimization(of: "a", holder: nil, force: true)
    let changes = take(watch)
    #expect(
      changes.map(\.kind) == [
        .optimizationChanged, .valueChanged, .valueChanged, .optimizationChanged,
        .optimizationChanged, .valueChanged,
      ])
    #expect(changes.map(\.revision) == Array(2...7))
  }

  @Test func aLeaseEnds() throws {
    let session = try makeSession()
    try register(session, "a")
    _ = try session.startOptimization(of: "a", by: "tpe", lease: 1)
    #expect(code { try set(session, "a", 1) } == .failedPrecondition)
    let (watch, _, _) = try session.watch(["a"]) {}
    var changes: [Change] = []
    while changes.isEmpty {
      session.endExpiredOptimizations()
      changes = take(watch)
    }
    #expect(changes.map(\.cause) == ["expired"])
    #expect(changes[0].variable.status.optimization == nil)
    try set(session, "a", 1)
  }

  // MARK: Limits

  @Test func bytesOfASessionAreLimited() throws {
    let session = try makeSession { $0.sessionBytes = 10_000 }
    func text(_ count: Int) -> Payload { Payload(.string(String(repeating: "x", count: count))) }
    try session.register(name: "a", type: .string, payload: text(1000), writer: elixir)
    let before = session.statistics
    #expect(
      code { try session.set("a", writer: elixir) { _ in text(20_000) } } == .limitReached)
    #expect(session.statistics.valueBytes == before.valueBytes)
    #expect(session.statistics.revision == before.revision)
    #expect(
      code {
        try session.register(name: "b", type: .string, payload: text(9_500), writer: elixir)
      } == .limitReached)
    try session.set("a", writer: elixir) { _ in text(8_000) }
    _ = try session.delete("a", writer: elixir)
    #expect(session.statistics.valueBytes == 0)
  }

  @Test func bytesOfAllSessionsAreLimited() throws {
    var limits = SessionLimits()
    limits.totalBytes = 20_000
    let store = SessionStore(limits: limits)
    let payload = Payload(.string(String(repeating: "x", count: 9_000)))
    for name in ["s1", "s2"] {
      try store.create(name).register(name: "a", type: .string, payload: payload, writer: elixir)
    }
    let third = try store.create("s3")
    func register() -> SessionError.Code? {
      code { try third.register(name: "a", type: .string, payload: payload, writer: elixir) }
    }
    #expect(register() == .limitReached)
    store.remove("s1")
    #expect(register() == nil)
  }
}
