import Testing
import Threads

@testable import BridgeSessions

@Suite struct SessionTests {
  private let elixir = Writer(.elixir)

  private func makeSession(_ change: (inout SessionLimits) -> Void = { _ in }) throws -> Session {
    var limits = SessionLimits()
    change(&limits)
    return try SessionStore(limits: limits).create("s")
  }

  private func set(_ session: Session, _ name: String, _ number: Int64, expecting: Int32 = 0) throws
    -> Variable
  {
    try session.set(name, expectedVersion: expecting, writer: elixir) { _ in
      Payload(.integer(number))
    }
  }

  private func register(_ session: Session, _ name: String, _ number: Int64 = 0) throws -> Variable
  {
    try session.register(
      name: name, type: .integer, payload: Payload(.integer(number)), writer: elixir)
  }

  private func code(_ body: () throws -> Void) -> SessionError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? SessionError)?.code
    }
  }

  @Test func findsByNameAndID() throws {
    let session = try makeSession()
    let variable = try register(session, "a_b")
    #expect(variable.id == "var_a_b_1")
    #expect(try session.get("a_b").variable === variable)
    #expect(try session.get("var_a_b_1").variable === variable)
    #expect(code { _ = try session.get("var_a_b_2") } == .variableNotFound)
    #expect(code { _ = try session.get("") } == .variableNotFound)
    #expect(code { _ = try session.get("var__") } == .variableNotFound)
  }

  @Test func versionsAndRevisionsRise() throws {
    let session = try makeSession()
    #expect(try register(session, "a").revision == 1)
    #expect(try register(session, "b").revision == 2)
    let second = try set(session, "a", 5)
    #expect((second.version, second.revision) == (2, 3))
    #expect(try session.delete("a", writer: elixir) == 4)
    let again = try register(session, "a")
    #expect((again.id, again.version, again.revision) == ("var_a_3", 1, 5))
  }

  @Test func refusesWhatItMust() throws {
    let session = try makeSession { $0.variablesPerSession = 2 }
    _ = try register(session, "a")
    #expect(code { _ = try register(session, "a") } == .alreadyExists)
    #expect(code { _ = try register(session, "") } == .invalidArgument)
    #expect(code { _ = try register(session, "a*") } == .invalidArgument)
    #expect(
      code { _ = try register(session, String(repeating: "x", count: 256)) } == .invalidArgument)
    _ = try register(session, "b")
    #expect(code { _ = try register(session, "c") } == .limitReached)
    #expect(code { _ = try set(session, "c", 1) } == .variableNotFound)
    #expect(code { _ = try session.delete("c", writer: elixir) } == .variableNotFound)
  }

  @Test func expectedVersionGuardsWrites() throws {
    let session = try makeSession()
    _ = try register(session, "a")
    _ = try set(session, "a", 1, expecting: 1)
    let error = #expect(throws: SessionError.self) { try set(session, "a", 2, expecting: 1) }
    #expect(error?.code == .versionMismatch)
    #expect(error?.details["current_version"] == "2")
    #expect(try session.get("a").variable.value == .integer(1))
  }

  @Test func atomicBatchesAreAllOrNothing() throws {
    let session = try makeSession()
    _ = try register(session, "a")
    _ = try session.register(
      name: "b", type: .integer, constraints: #"{"max":5}"#, payload: Payload(.integer(0)),
      writer: elixir)
    func updates(_ b: Int64) -> [Update] {
      [
        Update("a") { _ in Payload(.integer(1)) },
        Update("b") { _ in Payload(.integer(b)) },
      ]
    }
    let failed = try session.set(updates(9), atomic: true, writer: elixir)
    #expect(!failed.isComplete)
    #expect(try session.get("a").variable.version == 1)
    #expect(session.revision == 2)
    let done = try session.set(updates(5), atomic: true, writer: elixir)
    #expect(done.isComplete)
    #expect(done.revision == 3)
    #expect(try session.get(["a", "b"]).variables.map { $0?.revision } == [3, 3])
    let partly = try session.set(updates(9), atomic: false, writer: elixir)
    #expect(!partly.isComplete)
    #expect(try session.get("a").variable.version == 3)
  }

  @Test func aBatchNamesAVariableOnce() throws {
    let session = try makeSession()
    let variable = try register(session, "a")
    let twice = try session.set(
      [
        Update("a") { _ in Payload(.integer(1)) },
        Update(variable.id) { _ in Payload(.integer(2)) },
      ], atomic: true, writer: elixir)
    #expect(!twice.isComplete)
    #expect(try session.get("a").variable.version == 1)
  }

  /// What is missing when a batch is prepared may be there when it is committed.
  @Test func aRefusedBatchIsOfOneMoment() throws {
    let session = try SessionStore().create("s")
    let number = Payload(.integer(1))
    try session.register(name: "a", type: .integer, payload: number, writer: elixir)
    let late = Update("late") { _ in number }
    let mismatch = Update("a", expectedVersion: 9) { _ in
      _ = try? session.register(name: "late", type: .integer, payload: number, writer: elixir)
      return number
    }
    let outcome = try session.set([late, mismatch], atomic: true, writer: elixir)
    #expect(outcome.revision == 2)
    guard case .failure(let error) = outcome.results[0] else {
      Issue.record("the batch was applied")
      return
    }
    #expect(error.message == Session.batchRefused.message)
  }

  /// The variable of an id may go while the value is made, and a name be there in its place.
  @Test func aWriteFindsWhatIsThereWhenItIsCommitted() throws {
    let session = try SessionStore().create("s")
    func register(_ name: String) throws {
      try session.register(
        name: name, type: .integer, payload: Payload(.integer(0)), writer: elixir)
    }
    try register("a")
    let written = try session.set("var_a_1", writer: elixir) { definition in
      if definition.name == "a" {
        _ = try session.delete("a", writer: elixir)
        try register("var_a_1")
      }
      return Payload(.integer(1))
    }
    #expect(written.name == "var_a_1")
  }

  @Test func listsInOrderByPattern() throws {
    let session = try makeSession()
    for name in ["temp_b", "other", "temp_a", "x_temp_"] { _ = try register(session, name) }
    #expect(try session.list().variables.map(\.name) == ["temp_b", "other", "temp_a", "x_temp_"])
    #expect(try session.list("temp_*").variables.map(\.name) == ["temp_b", "temp_a"])
    #expect(try session.list("*temp*").variables.count == 3)
    #expect(try session.list("none*").variables.isEmpty)
  }

  @Test(arguments: [
    ("*", "", true), ("a*", "a", true), ("a*c", "abc", true), ("a*c", "ab", false),
    ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("ab", "ab", true),
    ("a*b*c", "abbbbc", true), ("", "", true), ("", "a", false),
  ])
  func wildcardsMatch(pattern: String, text: String, expected: Bool) {
    #expect(Wildcard(pattern).matches(text) == expected)
  }

  @Test func aClosedSessionAnswersNotFound() throws {
    let store = SessionStore()
    let session = try store.create("s")
    _ = try register(session, "a")
    #expect(store.remove("s") == 1)
    #expect(store.remove("s") == nil)
    #expect(code { _ = try session.get("a") } == .sessionNotFound)
    #expect(code { _ = try set(session, "a", 1) } == .sessionNotFound)
    #expect(code { _ = try store.session("s") } == .sessionNotFound)
    #expect(try store.session("s", create: true) !== session)
    #expect(store.sessionCount == 1)
  }

  /// Of a session with many variables, a thread lets go.
  /// Texts whose canonical order takes the square of their length to find. Were they hashed, this would
  /// take hours.
  @Test func costlyTextsAreNotHashed() throws {
    let session = try makeSession()
    let costly = "a" + String(repeating: "\u{301}\u{316}", count: 500_000)
    let store = SessionStore()
    for text in [costly, "a" + String(repeating: "\u{301}", count: 31)] {
      #expect(code { _ = try session.get(text) } == .variableNotFound)
      #expect(code { _ = try session.get([text]) } == .invalidArgument)
      #expect(code { _ = try session.history(of: text) } == .variableNotFound)
      #expect(code { _ = try session.delete(text, writer: elixir) } == .variableNotFound)
      #expect(code { _ = try session.watch([text]) {} } == .invalidArgument)
      #expect(code { _ = try session.list(text + "*") } == .invalidArgument)
      #expect(code { _ = try register(session, text) } == .invalidArgument)
      #expect(code { _ = try store.session(text) } == .sessionNotFound)
      #expect(code { _ = try store.session(text, create: true) } == .invalidArgument)
      #expect(code { _ = try store.create(text) } == .invalidArgument)
      #expect(store.remove(text) == nil)
    }
    try session.register(
      name: "m", type: .integer, payload: Payload(.integer(1)), metadata: [costly: costly],
      writer: Writer(.elixir, metadata: [costly: costly]))
    try session.register(
      name: "c", type: .choice, constraints: #"{"choices": ["a"]}"#, payload: Payload(.string("a")),
      writer: elixir)
    #expect(
      code { try session.set("c", writer: elixir) { _ in Payload(.string(costly)) } }
        == .invalidValue)
  }

  @Test(arguments: [
    "a\u{1B}b", "\u{7F}", "\u{85}", "\u{9F}x", "\u{202E}evil", "\u{2066}", "\u{200F}", "\u{61C}",
    "line\u{2028}", "\u{2029}", "\n",
  ])
  func namesHaveNothingThatChangesHowTextIsShown(name: String) throws {
    #expect(code { _ = try register(makeSession(), name) } == .invalidArgument)
    #expect(code { _ = try SessionStore().create(name) } == .invalidArgument)
  }

  @Test(arguments: ["ä", "e\u{301}", "名前", "👩‍👩‍👧", "שלום", "a\u{301}\u{316}\u{327}", "x\u{600}"])
  func namesOfTheWorldAreTaken(name: String) throws {
    let session = try makeSession()
    #expect(try register(session, name).name == name)
    #expect(try session.get(name).variable.version == 1)
    _ = try SessionStore().create(name)
  }

  @Test func oneClientLeavesSessionsToOthers() throws {
    var limits = SessionLimits()
    limits.sessions = 16
    let store = SessionStore(limits: limits)
    for number in 0..<14 { _ = try store.create("a\(number)", client: 1) }
    #expect(code { _ = try store.create("a14", client: 1) } == .limitReached)
    #expect(code { _ = try store.session("a14", create: true, client: 1) } == .limitReached)
    #expect(try store.session("a3", create: true, client: 1).id == "a3")
    _ = try store.create("b", client: 2)
    // What ends makes room again; what is refused takes none.
    store.remove("a0")
    #expect(code { _ = try store.create("a1", client: 1) } == .alreadyExists)
    #expect(code { _ = try store.create("", client: 1) } == .invalidArgument)
    _ = try store.open("a0", client: 1)
    #expect(code { _ = try store.create("a14", client: 1) } == .limitReached)
  }

  @Test func whoAsksHearsOfTheEndOnce() throws {
    let store = SessionStore()
    let session = try store.create("s")
    let heard = Locked<[String]>([])
    session.whenEnded { end in heard.withLock { $0.append("first \(end)") } }
    session.whenEnded { end in
      // Outside the lock: the session can be asked.
      #expect(throws: SessionError.self) { try session.get("a") }
      heard.withLock { $0.append("second \(end)") }
    }
    #expect(heard.withLock { $0 } == [])
    store.remove("s")
    store.remove("s")
    #expect(heard.withLock { $0 } == ["first cleanup", "second cleanup"])
    session.whenEnded { end in heard.withLock { $0.append("late \(end)") } }
    #expect(heard.withLock { $0 }.last == "late cleanup")
    #expect(heard.withLock { $0 }.count == 3)
  }

  @Test(arguments: [1, SessionContents.manyVariables]) func whatASessionHeldGoesWithIt(
    count: Int
  ) async throws {
    let store = SessionStore()
    var session: Session? = try store.create("s")
    weak var held: Variable?
    for number in 0..<count {
      let variable = try register(session!, "v\(number)")
      if number == 0 { held = variable }
    }
    #expect(held != nil)
    #expect(store.remove("s") == count)
    #expect(session?.statistics.variables == 0)
    session = nil
    var patience = 3000
    while held != nil && patience > 0 {
      patience -= 1
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(held == nil)
  }

  @Test func sessionsAreLimitedAndExpire() throws {
    var limits = SessionLimits()
    limits.sessions = 2
    let store = SessionStore(limits: limits)
    _ = try store.create("a", timeToLive: 1)
    _ = try store.create("b")
    #expect(code { _ = try store.create("a") } == .alreadyExists)
    #expect(code { _ = try store.create("c") } == .limitReached)
    #expect(code { _ = try store.create("") } == .invalidArgument)
    #expect(store.removeExpired() == 0)
    while try store.session("b").idleMilliseconds < 0 {}
    let session = try store.session("a")
    while session.idleMilliseconds <= 1000 { _ = try store.session("b") }
    #expect(store.removeExpired() == 1)
    #expect(code { _ = try store.session("a") } == .sessionNotFound)
  }

  @Test func namesHaveOneTo255Bytes() throws {
    let session = try makeSession()
    for (name, isTaken) in [
      ("", false), ("a", true), (String(repeating: "b", count: 255), true),
      (String(repeating: "c", count: 256), false), (String(repeating: "é", count: 128), false),
    ] {
      #expect(
        code { _ = try register(session, name) } == (isTaken ? nil : .invalidArgument), "\(name)")
      // A session without a name gets one.
      if name.isEmpty { continue }
      #expect(
        code { _ = try SessionStore().create(name) } == (isTaken ? nil : .invalidArgument),
        "\(name)")
    }
  }

  @Test func costlyKeysAreRefusedAtTheirLimit() throws {
    for (text, isTaken) in [
      (String(repeating: "k", count: 1024), true), (String(repeating: "k", count: 1025), false),
      ("a" + String(repeating: "\u{301}", count: 30), true),
      ("a" + String(repeating: "\u{301}", count: 31), false),
      (String(repeating: "a" + String(repeating: "\u{301}", count: 30), count: 3), true),
    ] {
      let expected: SessionError.Code? = isTaken ? nil : .invalidArgument
      #expect(code { try NameRules.checkKey(text) } == expected)
      #expect(
        code { try Array(text.utf8).withUnsafeBytes { try NameRules.checkKey($0) } } == expected)
      #expect(NameRules.isHashable(text, length: 1024) == isTaken)
    }
  }

  /// A batch that writes nothing answers with what is there, in its order.
  @Test func aBatchOfChecksAnswersWithTheVariables() throws {
    let session = try makeSession()
    _ = try register(session, "a", 7)
    _ = try register(session, "b", 8)
    func check(_ name: String, _ version: Int32) -> Update {
      var update = Update(name, expectedVersion: version) { _ in Payload(.integer(0)) }
      update.isCheckOnly = true
      return update
    }
    let revision = session.revision
    let checked = try session.set([check("b", 1), check("a", 1)], atomic: true, writer: elixir)
    #expect(try checked.results.map { try $0.get().definition.name } == ["b", "a"])
    #expect(checked.revision == revision && session.revision == revision)
    let refused = try session.set([check("b", 1), check("a", 2)], atomic: true, writer: elixir)
    #expect(!refused.isComplete)
    guard case .failure(let error) = refused.results[1] else {
      Issue.record("a version that is not there was taken")
      return
    }
    #expect(error.code == .versionMismatch)
  }
}
