import Testing

@testable import BridgeSessions

/// Watches that keep the newest change of each variable.
@Suite struct ConflationTests {
  private let writer = Writer(.elixir)

  private func makeSession(logChanges: Int = 10_000) throws -> Session {
    var limits = SessionLimits()
    limits.logChanges = logChanges
    let session = try SessionStore(limits: limits).create("s")
    for name in ["a", "b", "c"] {
      try session.register(
        name: name, type: .integer, payload: Payload(.integer(0)), writer: writer)
    }
    return session
  }

  private func set(_ session: Session, _ name: String, _ number: Int64) throws {
    try session.set(name, writer: writer) { _ in Payload(.integer(number)) }
  }

  private func take(_ watch: Watch, limit: Int = 3) -> [Change] {
    var changes: [Change] = []
    while case .more = watch.take(&changes, limit: limit) {}
    return changes
  }

  @Test(arguments: [10_000, 4]) func keepsTheNewestOfEach(logChanges: Int) throws {
    let session = try makeSession(logChanges: logChanges)
    let (watch, _, _) = try session.watch([], conflates: true) {}
    for number in 1...10 {
      try set(session, "a", Int64(number))
      try set(session, "b", Int64(number))
    }
    try set(session, "a", 11)
    let changes = take(watch)
    #expect(changes.map(\.variable.name) == ["b", "a"])
    #expect(changes.map(\.variable.value) == [.integer(10), .integer(11)])
    #expect(changes.map(\.skipped) == [9, 10])
    #expect(changes.map { $0.previous?.value } == [.integer(0), .integer(0)])
    #expect(changes.map(\.revision) == [23, 24])
  }

  @Test func tellsEverythingToAReaderThatKeepsUp() throws {
    let session = try makeSession()
    let (watch, _, _) = try session.watch(["a"], conflates: true) {}
    for number in 1...5 {
      try set(session, "a", Int64(number))
      let changes = take(watch)
      #expect(changes.map(\.skipped) == [0])
      #expect(changes.map(\.variable.version) == [Int32(number + 1)])
    }
  }

  /// A session with two texts of a size and a log of one change, and what its values take.
  private func makeTexts(
    of size: Int, limit: Int = .max
  ) throws -> (store: SessionStore, session: Session) {
    var limits = SessionLimits()
    limits.logChanges = 1
    limits.sessionBytes = limit
    let store = SessionStore(limits: limits)
    let session = try store.create("s")
    for name in ["a", "b"] {
      try session.register(
        name: name, type: .string, payload: Payload(.string(text(size))), writer: writer)
    }
    return (store, session)
  }

  private func text(_ size: Int) -> String { String(repeating: "x", count: size) }

  private func set(_ session: Session, _ name: String, ofSize size: Int) throws {
    try session.set(name, writer: writer) { _ in Payload(.string(text(size))) }
  }

  @Test func whatASlowWatchKeepsIsCounted() throws {
    let (store, session) = try makeTexts(of: 10_000)
    let slow = try session.watch([], conflates: true) {}.watch
    let other = try session.watch(["b"], conflates: true) {}.watch
    let before = session.statistics.valueBytes
    func kept() -> Int { session.statistics.valueBytes - before }
    for _ in 0..<5 { try set(session, "a", ofSize: 10_000) }
    // The value that the reader knows, however many have followed.
    #expect((10_000..<11_000).contains(kept()))
    for _ in 0..<5 { try set(session, "b", ofSize: 10_000) }
    #expect((30_000..<33_000).contains(kept()))
    #expect(take(other).count == 1)
    #expect((20_000..<22_000).contains(kept()))
    // In part, and with newer changes meanwhile.
    var changes: [Change] = []
    guard case .more = slow.take(&changes, limit: 1) else {
      Issue.record("everything is taken")
      return
    }
    #expect((10_000..<11_000).contains(kept()))
    for _ in 0..<3 { try set(session, "b", ofSize: 10_000) }
    #expect(kept() < 32_000)
    #expect(take(slow).map(\.skipped) == [7])
    #expect(take(other).map(\.skipped) == [2])
    #expect(kept() == 0)
    for _ in 0..<5 { try set(session, "a", ofSize: 10_000) }
    #expect(kept() > 10_000)
    slow.cancel()
    #expect(kept() < 1000)
    other.cancel()
    let last = try session.watch([], conflates: true) {}.watch
    for _ in 0..<5 { try set(session, "a", ofSize: 10_000) }
    store.remove("s")
    last.cancel()
    #expect(session.statistics.valueBytes == 0)
  }

  @Test func aWriteNeedsTheRoomOfWhatSlowWatchesKeep() throws {
    let (_, session) = try makeTexts(of: 10_000, limit: 60_000)
    let slow = try session.watch([], conflates: true) {}.watch
    let other = try session.watch(["b"], conflates: true) {}.watch
    for name in ["a", "b"] {
      for _ in 0..<3 { try set(session, name, ofSize: 10_000) }
    }
    #expect(session.statistics.valueBytes > 50_000)
    // The one that keeps most goes first; the other goes on.
    try set(session, "b", ofSize: 20_000)
    var changes: [Change] = []
    guard case .fellBehind = slow.take(&changes, limit: 9) else {
      Issue.record("the watch goes on")
      return
    }
    #expect(take(other).map(\.skipped) == [3])
    let error = #expect(throws: SessionError.self) { try set(session, "b", ofSize: 50_000) }
    #expect(error?.code == .limitReached)
  }

  @Test func aSlowWatchKeepsNoMoreThanThereIsRoomFor() throws {
    let (_, session) = try makeTexts(of: 10_000, limit: 35_000)
    let watches = try (0..<3).map { _ in try session.watch(["a"], conflates: true) {}.watch }
    for _ in 0..<5 { try set(session, "a", ofSize: 10_000) }
    #expect(session.statistics.valueBytes < 35_000)
    let lost = watches.count { watch in
      var changes: [Change] = []
      if case .fellBehind = watch.take(&changes, limit: 9) { return true }
      return false
    }
    #expect(lost == 2)
  }

  @Test func anIdleWatchOutlivesTheLog() throws {
    let session = try makeSession(logChanges: 2)
    let (watch, _, _) = try session.watch(["a"], conflates: true) {}
    #expect(take(watch).isEmpty)
    for number in 1...9 { try set(session, "b", Int64(number)) }
    #expect(take(watch).isEmpty)
    try set(session, "a", 1)
    #expect(take(watch).map(\.skipped) == [0])
  }

  @Test func deletionAndReturnAreBothTold() throws {
    let session = try makeSession(logChanges: 2)
    let (watch, _, _) = try session.watch(["a"], conflates: true) {}
    try set(session, "a", 1)
    _ = try session.delete("a", writer: writer)
    try session.register(
      name: "a", type: .integer, payload: Payload(.integer(7)), writer: writer)
    for number in 1...5 { try set(session, "b", Int64(number)) }
    let changes = take(watch)
    #expect(changes.map(\.kind) == [.deleted, .registered])
    #expect(changes.map(\.skipped) == [1, 0])
    #expect(changes.map(\.variable.id) == ["var_a_1", "var_a_4"])
  }

  @Test func aValueIsNotHiddenByAChangeOfStatus() throws {
    let session = try makeSession()
    let (watch, _, _) = try session.watch(["a"], conflates: true) {}
    try set(session, "a", 1)
    _ = try session.startOptimization(of: "a", by: "o")
    let changes = take(watch)
    #expect(changes.map(\.kind) == [.valueChanged])
    #expect(changes.first?.variable.status.optimization?.optimizer == "o")
    #expect(changes.first?.skipped == 1)
  }

  /// Whatever is written while it is read in pieces: what a reader ends with is the present, what it
  /// saw and what was left out are all there was, and revisions only rise.
  @Test(arguments: 0..<20) func randomHistoriesAddUp(seed: UInt64) throws {
    let session = try makeSession(logChanges: Int.random(in: 2...40))
    let (watch, snapshot, start) = try session.watch([], conflates: true) {}
    var values = Dictionary(uniqueKeysWithValues: snapshot.map { ($0.name, $0.value) })
    var told = 0
    var committed = 0
    var last = start
    var announced: Int64?
    func read(_ changes: [Change]) {
      for change in changes {
        told += 1 + Int(change.skipped)
        #expect(change.revision >= last)
        if let revision = announced { #expect(change.revision == revision) }
        if change.revision == last { #expect(announced != nil) }
        announced = change.isLastInRevision ? nil : change.revision
        last = change.revision
        #expect(change.previous?.value == values[change.variable.name])
        values[change.variable.name] = change.variable.value
      }
    }
    for _ in 0..<200 {
      let names = ["a", "b", "c"].filter { _ in Bool.random() }
      let updates = names.map { Update($0) { _ in Payload(.integer(.random(in: 0...9))) } }
      _ = try session.set(updates, atomic: true, writer: writer)
      committed += updates.count
      if Int.random(in: 0..<4) == 0 {
        var changes: [Change] = []
        _ = watch.take(&changes, limit: Int.random(in: 1...3))
        read(changes)
      }
    }
    read(take(watch))
    #expect(announced == nil)
    #expect(told == committed)
    let present = try session.list().variables
    #expect(values == Dictionary(uniqueKeysWithValues: present.map { ($0.name, $0.value) }))
  }
}
