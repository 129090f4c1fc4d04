import BinaryFormatsFuzzing
import RandomSessions
import Testing
import Threads

@testable import BridgeSessions

/// What was decided says everything: applied to an equal session, it makes an equal one.
@Suite struct MutationTests {
  /// Takes note of what sessions do.
  private final class Recording: SessionJournal {
    final class Recorder: SessionRecorder {
      let mutations = Locked<[Mutation]>([])
      let revisions = Locked<[[Int64]]>([])

      func applied(_ mutation: Mutation, changes: [Change]) {
        mutations.withLock { $0.append(mutation) }
        revisions.withLock { $0.append(changes.map(\.revision)) }
      }
    }

    let recorder = Recorder()
    func begin(_ session: SessionImage) -> any SessionRecorder { recorder }
    func checkAvailable() {}
    var acknowledgesStored: Bool { false }
    func whenStored(_ body: @escaping @Sendable (SessionError?) -> Void) { body(nil) }
  }

  private static let names = ["a", "b", "c", "d", "var_a_1", "é", "var_b_2"]
  private static let optimizers = ["tpe", "grid"]

  private func limits() -> SessionLimits {
    var limits = SessionLimits()
    limits.historyVersions = 4
    limits.historyBytes = 4000
    limits.logChanges = 50
    limits.sessionBytes = 20_000
    return limits
  }

  /// Does something; it may be refused.
  private func act(on session: Session, using random: inout RandomBits) {
    let name = Self.names.randomElement(using: &random)!
    let other = Self.names.randomElement(using: &random)!
    let metadata: VariableMetadata =
      random.chance(3) ? ["optimizer_id": Self.optimizers.randomElement(using: &random)!] : [:]
    let writer = Writer(random.chance(2) ? .elixir : .python, metadata: metadata)
    let number = random.integer()
    let form: WireForm = random.chance(2) ? .inherited : random.chance(2) ? .snakepitURL : []
    @Sendable func payload(_ value: Int64) -> Payload { Payload(.integer(value), form: form) }
    switch random.below(14) {
    case 0, 1:
      _ = try? session.register(
        name: name, type: .integer, constraints: random.chance(3) ? #"{"max": 5}"# : "",
        accessControl: random.chance(5) ? #"{"writers": ["elixir"]}"# : "",
        payload: payload(random.chance(2) ? 1 : number), metadata: ["unit": random.text()],
        writer: writer)
    case 2: _ = try? session.delete(name, writer: writer)
    case 3: try? session.addDependency(of: name, on: other, type: random.text())
    case 4: _ = try? session.startOptimization(of: name, by: metadata["optimizer_id"] ?? "tpe")
    case 5: _ = try? session.stopOptimization(of: name, holder: nil, force: random.chance(2))
    case 6:
      _ = try? session.setConstraints(
        random.chance(2) ? "" : #"{"min": -3}"#, of: name, writer: writer,
        payload: random.chance(2) ? nil : { _ in payload(2) })
    case 7:
      let updates = Set([name, other]).map { name in Update(name) { _ in payload(number) } }
      _ = try? session.set(updates, atomic: !random.chance(4), writer: writer)
    case 9, 10:
      let steps = Self.names.compactMap { name -> TransactionStep? in
        guard random.chance(2) else { return nil }
        var step = TransactionStep(name, .remove, writer: writer)
        let registration = try? session.registration(
          name: name, type: .integer, payload: payload(number), metadata: ["n": random.text()])
        let isThere = (try? session.get(name)) != nil
        switch (random.below(4), isThere, registration) {
        case (0, true, let new?): step.action = .replace(new)
        case (1, true, _): break
        case (_, true, _): step.action = .write { _ in payload(number) }
        case (_, false, let new?): step.action = .register(new)
        case (_, false, nil): return nil
        }
        return step
      }
      _ = try? session.commit(steps)
    case 8: _ = try? session.rollback(name, to: Int32(1 + random.below(6)), writer: writer)
    default: _ = try? session.set(name, writer: writer) { _ in payload(number) }
    }
  }

  /// Everything that a session holds, as text.
  private func describe(_ session: Session) -> [String] {
    func text(_ variable: Variable?) -> String {
      guard let variable else { return "none" }
      let status = variable.status
      let optimization = status.optimization.map {
        "\($0.id) \($0.optimizer) \($0.startedAt) \($0.lease) \($0.end)"
      }
      return "\(variable.id) \(variable.version) \(variable.revision) \(variable.updatedAt) "
        + "\(variable.source) \(variable.payload.facts) "
        + "\(variable.writeMetadata.sorted) "
        + "\(status.staleSince) \(optimization ?? "")"
    }
    var lines = ((try? session.image())?.facts ?? ["ended"])
    return session.state.withLock { state in
      lines.append(
        "\(state.revision) \(state.lastOrdinal) \(state.optimized.sorted()) \(state.valueBytes) "
          + "\(state.historyBytes) \(state.hasNamesLikeIDs) \(state.form?.rawValue ?? 255) "
          + "\(state.dependencies.edges) \(state.dependencies.count) "
          + "\(state.end.map { "\($0)" } ?? "")")
      lines.append("\(state.log.start) \(state.log.byteCount) \(state.log.lastDroppedRevision)")
      for position in state.log.start..<state.log.end {
        let change = state.log[position]
        lines.append(
          "\(change.kind) \(change.revision) \(change.timestamp) \(change.isLastInRevision) "
            + "\(change.cause.debugDescription) \(change.causedBy) \(text(change.variable)) "
            + "before: \(text(change.previous))")
      }
      for variable in state.variables.all.sorted(by: { $0.name < $1.name }) {
        lines.append(text(variable))
        lines += state.history(of: variable).map { text($0) }
      }
      return lines
    }
  }

  private func replay(_ mutations: [Mutation], on image: SessionImage) throws -> Session {
    let session = try SessionStore(limits: limits()).restore(image)
    for mutation in mutations {
      session.state.withLock { state in
        var woken: [Watch] = []
        state.apply(mutation, &woken)
      }
    }
    return session
  }

  @Test(arguments: 0..<60)
  func theSameMutationsMakeTheSameSession(seed: UInt64) throws {
    var random = RandomBits(seed: seed)
    var start = SessionImage(
      id: "s", epoch: "e", metadata: ["a": "b"], createdAt: 5, timeToLive: 60, revision: 0,
      lastOrdinal: 0)
    if seed % 3 == 0 {
      let seeding = try SessionStore(limits: limits()).restore(start)
      for _ in 0..<40 { act(on: seeding, using: &random) }
      start = try seeding.image()
    }
    let journal = Recording()
    let session = try SessionStore(limits: limits(), journal: journal).restore(start)
    for _ in 0..<150 { act(on: session, using: &random) }
    if seed % 5 == 0 { session.close(.cleanup) }
    let mutations = journal.recorder.mutations.withLock { $0 }
    let copy = try replay(mutations, on: start)
    #expect(describe(copy) == describe(session))
    #expect(mutations.count > 20)
    // One mutation, one revision.
    let revisions = journal.recorder.revisions.withLock { $0 }.filter { !$0.isEmpty }
    #expect(revisions.allSatisfy { Set($0).count == 1 })
    #expect(
      revisions.map { $0[0] }
        == Array(start.revision + 1..<start.revision + 1 + Int64(revisions.count)))
  }

  @Test func theEndOfALeaseIsAMutation() throws {
    let start = SessionImage(
      id: "s", epoch: "e", metadata: [:], createdAt: 5, timeToLive: 60, revision: 0,
      lastOrdinal: 0)
    let journal = Recording()
    let session = try SessionStore(limits: limits(), journal: journal).restore(start)
    let writer = Writer(.elixir)
    try session.register(
      name: "a", type: .integer, payload: Payload(.integer(0)), writer: writer)
    _ = try session.startOptimization(of: "a", by: "tpe", lease: 1)
    // Refused until the lease is over; then its end comes first, at a revision of its own.
    while (try? session.set("a", writer: writer) { _ in Payload(.integer(1)) }) == nil {}
    #expect(session.revision == 4)
    let copy = try replay(journal.recorder.mutations.withLock { $0 }, on: start)
    #expect(describe(copy) == describe(session))
  }
}
