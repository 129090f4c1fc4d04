import Testing

@testable import BridgeSessions

/// Limits at their very edge: what docs/limits.md and docs/protocol.md say is taken, and one more is not.
@Suite struct LimitTests {
  private let writer = Writer(.elixir)

  private func code(_ body: () throws -> Void) -> SessionError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? SessionError)?.code
    }
  }

  private func session(_ change: (inout SessionLimits) -> Void = { _ in }) throws -> Session {
    var limits = SessionLimits()
    change(&limits)
    return try SessionStore(limits: limits).create("s")
  }

  private func register(_ name: String, in session: Session) throws {
    try session.register(
      name: name, type: .integer, payload: Payload(.integer(1)), writer: writer)
  }

  @Test func dependencies() throws {
    let session = try session { $0.dependencies = 2 }
    for name in ["a", "b", "c", "d"] { try register(name, in: session) }
    try session.addDependency(of: "b", on: "a", type: "")
    try session.addDependency(of: "c", on: "a", type: "")
    #expect(code { try session.addDependency(of: "d", on: "a", type: "") } == .limitReached)
    // One that is there may get another type, and one that goes makes room.
    try session.addDependency(of: "c", on: "a", type: "other")
    _ = try session.delete("c", writer: writer)
    try session.addDependency(of: "d", on: "a", type: "")
    let type = String(repeating: "x", count: SessionLimits().nameLength)
    try session.addDependency(of: "d", on: "a", type: type)
    #expect(
      code { try session.addDependency(of: "d", on: "a", type: type + "x") } == .invalidArgument)
  }

  @Test func whatARequestNames() throws {
    let session = try session()
    func count(_ names: [String]) -> SessionError.Code? { code { _ = try session.get(names) } }
    #expect(count((0..<10_000).map { "v\($0)" }) == nil)
    #expect(count((0..<10_001).map { "v\($0)" }) == .invalidArgument)
    #expect(code { _ = try session.watch((0..<100).map { "v\($0)*" }, wake: {}) } == nil)
    #expect(
      code { _ = try session.watch((0..<101).map { "v\($0)*" }, wake: {}) } == .invalidArgument)
  }

  @Test func names() throws {
    let session = try session()
    let name = String(repeating: "n", count: 255)
    try register(name, in: session)
    #expect(code { try register(name + "n", in: session) } == .invalidArgument)
    #expect(code { try register("", in: session) } == .invalidArgument)
    // Its id is longer, and finds it all the same.
    #expect(try session.get("var_\(name)_1").variable.name == name)
    let marks = String(repeating: "\u{301}", count: NameRules.markLimit)
    try register("a" + marks + String(repeating: "b", count: 10), in: session)
    #expect(code { try register("b" + marks + "\u{301}", in: session) } == .invalidArgument)
  }

  @Test func variables() throws {
    let session = try session { $0.variablesPerSession = 2 }
    for name in ["a", "b"] { try register(name, in: session) }
    #expect(code { try register("c", in: session) } == .limitReached)
    _ = try session.delete("a", writer: writer)
    try register("c", in: session)
  }

  @Test func leases() throws {
    let session = try session()
    for name in ["a", "b"] { try register(name, in: session) }
    let (byDefault, _) = try session.startOptimization(of: "a", by: "o")
    #expect(byDefault.status.optimization?.lease == 300)
    #expect(
      code { _ = try session.startOptimization(of: "b", by: "o", lease: 86_401) }
        == .invalidArgument)
    #expect(
      code { _ = try session.startOptimization(of: "b", by: "o", lease: -1) } == .invalidArgument)
    let (longest, _) = try session.startOptimization(of: "b", by: "o", lease: 86_400)
    #expect(longest.status.optimization?.lease == 86_400)
  }

  /// Arrays may be nested 128 deep, and have 32 dimensions.
  @Test func nesting() throws {
    func constraints(_ depth: Int) throws {
      let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      _ = try Constraints(json: #"{"note":\#(nested)}"#, for: .float)
    }
    #expect(code { try constraints(126) } == nil)
    #expect(code { try constraints(129) } == .invalidValue)
    func tensor(_ rank: Int) throws {
      let shape = [String](repeating: "1", count: rank).joined(separator: ",")
      _ = try Value(json: Array(#"{"shape":[\#(shape)],"data":[1]}"#.utf8), as: .tensor)
    }
    #expect(code { try tensor(32) } == nil)
    #expect(code { try tensor(33) } == .invalidValue)
  }

  @Test func lengthsCountCharactersAsPeopleSeeThem() throws {
    let session = try session()
    let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}"
    func register(_ name: String, _ text: String) throws {
      try session.register(
        name: name, type: .string, constraints: #"{"min_length": 2, "max_length": 2}"#,
        payload: Payload(.string(text)), writer: writer)
    }
    try register("a", family + "e\u{301}")
    #expect(code { try register("b", family) } == .invalidValue)
    #expect(code { try register("b", "e\u{301}bc") } == .invalidValue)
  }
}
