import Testing

@testable import BridgeSessions

/// Changes of several variables at one revision.
@Suite struct TransactionTests {
  private let session: Session
  private let writer = Writer(.plugin, metadata: ["source": "tool:t"])

  init() throws {
    session = try SessionStore().create("s")
    for name in ["a", "b", "c"] {
      try session.register(
        name: name, type: .integer, payload: Payload(.integer(1)), writer: Writer(.elixir))
    }
  }

  private func write(_ name: String, _ number: Int64) -> TransactionStep {
    TransactionStep(name, .write { _ in Payload(.integer(number)) }, writer: writer)
  }

  private func registration(_ name: String, _ value: Value = .integer(7)) throws -> Registration {
    try session.registration(name: name, type: .integer, payload: Payload(value))
  }

  private func code(_ steps: [TransactionStep]) -> SessionError.Code? {
    do {
      try session.commit(steps)
      return nil
    } catch {
      return (error as? SessionError)?.code
    }
  }

  @Test func everythingHappensAtOneRevision() throws {
    let (watch, _, _) = try session.watch([]) {}
    let revision = session.revision
    var loud = write("b", 6)
    loud.writer.metadata["why"] = "loud"
    try session.commit([
      write("a", 5), TransactionStep("n", .register(try registration("n")), writer: writer),
      TransactionStep("c", .remove, writer: writer), loud,
    ])
    #expect(session.revision == revision + 1)
    #expect(try session.get("a").variable.value == .integer(5))
    #expect(try session.get("b").variable.writeMetadata["why"] == "loud")
    #expect(try session.get("a").variable.writeMetadata["why"] == nil)
    #expect(try session.get("n").variable.version == 1)
    #expect(throws: SessionError.self) { try session.get("c") }
    var changes: [Change] = []
    _ = session.take(for: watch, into: &changes, limit: 100)
    #expect(changes.map(\.variable.name) == ["c", "n", "a", "b"])
    #expect(changes.map(\.kind) == [.deleted, .registered, .valueChanged, .valueChanged])
    #expect(Set(changes.map(\.revision)) == [revision + 1])
    #expect(changes.map(\.isLastInRevision) == [false, false, false, true])
  }

  @Test func aRefusedStepRefusesAll() throws {
    let revision = session.revision
    let present = try session.get("b").variable
    var late = write("b", 5)
    late.expected = TransactionStep.Version(id: present.id, number: 9)
    var gone = write("b", 5)
    gone.expected = TransactionStep.Version(id: "var_b_99", number: 1)
    for (step, expected) in [
      (late, SessionError.Code.versionMismatch), (gone, .versionMismatch),
      (write("x", 1), .variableNotFound),
      (TransactionStep("x", .remove, writer: writer), .variableNotFound),
      (TransactionStep("x", .check, writer: writer), .variableNotFound),
      (TransactionStep("b", .register(try registration("b")), writer: writer), .alreadyExists),
      (TransactionStep("x", .replace(try registration("x")), writer: writer), .variableNotFound),
      (
        TransactionStep("b", .write { _ in throw SessionError(.invalidValue, "") }, writer: writer),
        SessionError.Code.invalidValue
      ),
      (write("a", 3), .invalidArgument),
      (write(try session.get("a").variable.id, 3), .invalidArgument),
    ] {
      #expect(code([write("a", 2), step]) == expected)
    }
    #expect(session.revision == revision)
    #expect(try session.get("a").variable.version == 1)
  }

  @Test func aReplacedVariableIsAnother() throws {
    let before = try session.get("a").variable
    var step = TransactionStep(before.id, .replace(try registration("a")), writer: writer)
    step.expected = TransactionStep.Version(id: before.id, number: 1)
    try session.commit([step])
    let after = try session.get("a").variable
    #expect(after.id != before.id && after.version == 1 && after.value == .integer(7))
    #expect(try session.history(of: "a").versions.count == 1)
    // What was meant for the one before does not meet this one, though it has the same version.
    #expect(code([step]) == .variableNotFound || code([step]) == .versionMismatch)
  }

  @Test func accessRulesAndLocksHold() throws {
    try session.register(
      name: "r", type: .integer, accessControl: #"{"read_only": true}"#,
      payload: Payload(.integer(1)), writer: Writer(.elixir))
    #expect(code([write("r", 2)]) == .permissionDenied)
    #expect(code([TransactionStep("r", .remove, writer: writer)]) == .permissionDenied)
    _ = try session.startOptimization(of: "a", by: "tpe")
    #expect(code([write("a", 2)]) == .failedPrecondition)
    #expect(code([TransactionStep("a", .remove, writer: writer)]) == .failedPrecondition)
  }

  @Test func idsStayUnlikeNames() throws {
    // Each of these would be named as another one's id, if they were numbered carelessly.
    let next = 4
    let names = (next..<next + 6).flatMap { ["v", "var_v_\($0)", "var_var_v_\(next)_\($0)"] }
    try session.commit(
      try Set(names).sorted().map {
        TransactionStep($0, .register(try registration($0)), writer: writer)
      })
    let all = try session.list().variables
    #expect(Set(all.map(\.id)).intersection(all.map(\.name)).isEmpty)
    #expect(Set(all.map(\.id)).count == all.count)
  }

  @Test func limitsCountTheWholeTransaction() throws {
    var limits = SessionLimits()
    limits.variablesPerSession = 2
    limits.sessionBytes = 3000
    let session = try SessionStore(limits: limits).create("small")
    func register(_ name: String, _ text: String = "") throws -> TransactionStep {
      TransactionStep(
        name,
        .register(
          try session.registration(name: name, type: .string, payload: Payload(.string(text)))),
        writer: writer)
    }
    try session.commit([register("a"), register("b")])
    let error = #expect(throws: SessionError.self) { try session.commit([register("c")]) }
    #expect(error?.code == .limitReached)
    // One goes, another one comes.
    try session.commit([TransactionStep("a", .remove, writer: writer), register("c")])
    let bytes = session.statistics.valueBytes
    #expect(throws: SessionError.self) {
      try session.commit([
        TransactionStep("b", .remove, writer: writer),
        register("d", String(repeating: "x", count: 3000)),
      ])
    }
    #expect(session.statistics.valueBytes == bytes)
    try session.commit([
      TransactionStep("b", .remove, writer: writer), TransactionStep("c", .remove, writer: writer),
    ])
    #expect(session.statistics.valueBytes == 0)
  }

  @Test func dependentsBecomeStale() throws {
    try session.addDependency(of: "b", on: "a", type: "")
    try session.addDependency(of: "c", on: "a", type: "")
    try session.commit([
      write("a", 2), TransactionStep("c", .remove, writer: writer),
    ])
    #expect(try session.get("b").variable.status.staleSince == session.revision)
  }

  @Test func aPreviewChangesNothing() throws {
    let revision = session.revision
    let written = try #require(try session.preview(write("a", 5)))
    #expect(written.version == 2 && written.value == .integer(5) && written.revision == 0)
    #expect(written.writerName == "tool:t")
    let created = try session.preview(
      TransactionStep("n", .register(try registration("n")), writer: writer))
    #expect(created?.version == 1 && created?.value == .integer(7))
    #expect(try session.preview(TransactionStep("a", .remove, writer: writer)) == nil)
    #expect(
      try session.preview(TransactionStep("a", .check, writer: writer))
        === session.get("a").variable)
    #expect(throws: SessionError.self) { try session.preview(write("x", 1)) }
    #expect(session.revision == revision)
    #expect(try session.get("a").variable.version == 1)
  }

  @Test func anEmptyTransactionIsNoRevision() throws {
    let revision = session.revision
    try session.commit([])
    try session.commit([TransactionStep("a", .check, writer: writer)])
    #expect(session.revision == revision)
  }
}
