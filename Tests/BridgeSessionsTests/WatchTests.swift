import Synchronization
import Testing

@testable import BridgeSessions

@Suite struct WatchTests {
  private let writer = Writer(.elixir)

  private func makeSession(logChanges: Int = 10_000) throws -> Session {
    var limits = SessionLimits()
    limits.logChanges = logChanges
    let session = try SessionStore(limits: limits).create("s")
    for name in ["a", "b"] {
      try session.register(
        name: name, type: .integer, payload: Payload(.integer(0)), writer: writer)
    }
    return session
  }

  private func set(_ session: Session, _ name: String, _ number: Int64) throws {
    try session.set(name, writer: writer) { _ in Payload(.integer(number)) }
  }

  private func take(_ watch: Watch) -> ([Change], Watch.Progress) {
    var changes: [Change] = []
    while true {
      let progress = watch.take(&changes, limit: 3)
      if case .more = progress { continue }
      return (changes, progress)
    }
  }

  @Test func snapshotThenEveryChange() throws {
    let session = try makeSession()
    try set(session, "a", 7)
    let (watch, snapshot, revision) = try session.watch(["a"]) {}
    #expect(snapshot.map(\.value) == [.integer(7)])
    #expect(revision == 3)
    try set(session, "b", 1)
    for number in 1...10 { try set(session, "a", Int64(number)) }
    let (changes, progress) = take(watch)
    #expect(changes.map(\.revision) == Array(5...14))
    #expect(changes.map { $0.previous?.version } == (2...11).map { $0 })
    guard case .upToDate(14) = progress else {
      Issue.record("\(progress)")
      return
    }
  }

  @Test func wakesOnceUntilTaken() throws {
    let session = try makeSession()
    let wakes = Atomic<Int>(0)
    let (watch, _, _) = try session.watch(["a"]) { wakes.add(1, ordering: .relaxed) }
    try set(session, "b", 1)
    #expect(wakes.load(ordering: .relaxed) == 0)
    try set(session, "a", 1)
    try set(session, "a", 2)
    #expect(wakes.load(ordering: .relaxed) == 1)
    _ = take(watch)
    try set(session, "a", 3)
    #expect(wakes.load(ordering: .relaxed) == 2)
    watch.cancel()
    try set(session, "a", 4)
    #expect(wakes.load(ordering: .relaxed) == 2)
    #expect(session.statistics.watches == 0)
  }

  @Test func namesMayComeLaterAndPatternsMatch() throws {
    let session = try makeSession()
    let (later, none, _) = try session.watch(["later"]) {}
    let (pattern, _, _) = try session.watch(["lat*"]) {}
    let (everything, all, _) = try session.watch([]) {}
    #expect(none.isEmpty)
    #expect(all.map(\.name) == ["a", "b"])
    try session.register(
      name: "later", type: .integer, payload: Payload(.integer(1)), writer: writer)
    try set(session, "a", 1)
    #expect(take(later).0.map(\.kind) == [.registered])
    #expect(take(pattern).0.map(\.kind) == [.registered])
    #expect(take(everything).0.map(\.kind) == [.registered, .valueChanged])
  }

  @Test func anIdentifierFollowsItsVariableOnly() throws {
    let session = try makeSession()
    let id = try session.get("a").variable.id
    let (byID, _, _) = try session.watch([id]) {}
    let (byName, _, _) = try session.watch(["a"]) {}
    _ = try session.delete("a", writer: writer)
    try session.register(name: "a", type: .integer, payload: Payload(.integer(9)), writer: writer)
    #expect(take(byID).0.map(\.kind) == [.deleted])
    #expect(take(byName).0.map(\.kind) == [.deleted, .registered])
  }

  @Test func batchesAreMarkedPerWatch() throws {
    let session = try makeSession()
    let (both, _, _) = try session.watch(["a", "b"]) {}
    let (first, _, _) = try session.watch(["a"]) {}
    let updates = ["a", "b"].map { Update($0) { _ in Payload(.integer(1)) } }
    _ = try session.set(updates, atomic: true, writer: writer)
    #expect(take(both).0.map(\.isLastInRevision) == [false, true])
    #expect(take(first).0.map(\.isLastInRevision) == [true])
  }

  @Test func resumesAfterARevision() throws {
    let session = try makeSession(logChanges: 4)
    for number in 1...10 { try set(session, "a", Int64(number)) }
    func resume(_ revision: Int64, _ epoch: String) throws -> [Int64] {
      let (watch, snapshot, _) = try session.watch(
        ["a"], from: .after(revision: revision, epoch: epoch)
      ) {}
      #expect(snapshot.isEmpty)
      return take(watch).0.map(\.revision)
    }
    #expect(try resume(8, session.epoch) == [9, 10, 11, 12])
    #expect(try resume(12, "") == [])
    func code(_ revision: Int64, _ epoch: String) -> SessionError.Code? {
      do {
        _ = try resume(revision, epoch)
        return nil
      } catch {
        return (error as? SessionError)?.code
      }
    }
    #expect(code(7, "") == .tooOld)
    #expect(code(13, "") == .wrongEpoch)
    #expect(code(-1, "") == .invalidArgument)
    #expect(code(9, "other") == .wrongEpoch)
  }

  @Test func aWatchBehindTheLogEndsAndSaysSo() throws {
    let session = try makeSession(logChanges: 4)
    let (watch, _, _) = try session.watch(["a"]) {}
    for number in 1...10 { try set(session, "a", Int64(number)) }
    var changes: [Change] = []
    guard case .fellBehind(let oldest) = watch.take(&changes, limit: 100) else {
      Issue.record("should have fallen behind")
      return
    }
    #expect(changes.isEmpty)
    #expect(oldest == 8)
  }

  @Test func aQuietWatchDoesNotFallBehind() throws {
    let session = try makeSession(logChanges: 4)
    let (watch, _, _) = try session.watch(["b"]) {}
    for number in 1...10 { try set(session, "a", Int64(number)) }
    try set(session, "b", 1)
    #expect(take(watch).0.map(\.revision) == [13])
  }

  /// A heartbeat asks a watch that nothing has woken.
  @Test(arguments: [false, true])
  func aQuietWatchThatIsAskedDoesNotFallBehind(conflates: Bool) throws {
    let session = try makeSession(logChanges: 4)
    let (watch, _, _) = try session.watch(["b"], conflates: conflates) {}
    for number in 1...10 { try set(session, "a", Int64(number)) }
    let (changes, progress) = take(watch)
    #expect(changes.isEmpty)
    guard case .upToDate(12) = progress else {
      Issue.record("\(progress)")
      return
    }
  }

  @Test func aNameAndItsIdentifierAreOneInitialValue() throws {
    let session = try makeSession()
    let id = try session.get("a").variable.id
    let (_, snapshot, _) = try session.watch(["a", id, id, "b"]) {}
    #expect(snapshot.map(\.name) == ["a", "b"])
  }

  @Test func aResumedWatchDoesNotFallBehindForWhatItDoesNotReport() throws {
    let session = try makeSession(logChanges: 4)
    try set(session, "b", 1)
    let (quiet, _, _) = try session.watch(["a"], from: .after(revision: 2, epoch: "")) {}
    try set(session, "a", 1)
    let (owed, _, _) = try session.watch(["a"], from: .after(revision: 2, epoch: "")) {}
    // The log lets go of revision 3.
    for number in 2...4 { try set(session, "b", Int64(number)) }
    #expect(take(quiet).0.map(\.revision) == [4])
    #expect(take(owed).0.map(\.revision) == [4])
    let (lost, _, _) = try session.watch(["a"], from: .after(revision: 3, epoch: "")) {}
    try set(session, "b", 5)
    guard case .fellBehind(oldestRevision: 4) = take(lost).1 else {
      Issue.record("revision 4 is gone")
      return
    }
  }

  @Test func resumesByTheIdentifierOfADeletedVariable() throws {
    let session = try makeSession()
    let id = try session.get("a").variable.id
    try set(session, "a", 1)
    _ = try session.delete("a", writer: writer)
    try session.register(name: "a", type: .integer, payload: Payload(.integer(9)), writer: writer)
    let (watch, _, _) = try session.watch([id], from: .after(revision: 2, epoch: "")) {}
    #expect(take(watch).0.map(\.kind) == [.valueChanged, .deleted])
    // After the deletion there is nothing more to report of it.
    let (late, _, _) = try session.watch([id], from: .after(revision: 4, epoch: "")) {}
    #expect(take(late).0.isEmpty)
  }

  @Test func theLogIsBoundedByBytes() throws {
    var limits = SessionLimits()
    limits.logBytes = 100_000
    let session = try SessionStore(limits: limits).create("s")
    let text = String(repeating: "x", count: 10_000)
    try session.register(name: "t", type: .string, payload: Payload(.string(text)), writer: writer)
    for _ in 0..<50 {
      try session.set("t", writer: writer) { _ in Payload(.string(text)) }
    }
    #expect(throws: SessionError.self) {
      try session.watch(["t"], from: .after(revision: 20, epoch: "")) {}
    }
    let (watch, _, _) = try session.watch(["t"], from: .after(revision: 48, epoch: "")) {}
    #expect(take(watch).0.count == 3)
  }

  @Test func theEndOfASessionIsReported() throws {
    let store = SessionStore()
    let session = try store.create("s")
    let wakes = Atomic<Int>(0)
    let (watch, _, _) = try session.watch([]) { wakes.add(1, ordering: .relaxed) }
    try session.register(name: "a", type: .integer, payload: Payload(.integer(1)), writer: writer)
    store.remove("s", cause: .expired)
    let (changes, progress) = take(watch)
    #expect(changes.count == 1)
    guard case .ended(.expired, 1) = progress else {
      Issue.record("\(progress)")
      return
    }
    #expect(wakes.load(ordering: .relaxed) == 1)
  }

  /// What a change replaces lives as long as the change is held.
  @Test func theLogCountsWhatChangesReplace() throws {
    let session = try SessionStore().create("s")
    let text = String(repeating: "x", count: 10_000)
    try session.register(name: "t", type: .string, payload: Payload(.string(text)), writer: writer)
    let before = session.statistics.logBytes
    try session.set("t", writer: writer) { _ in Payload(.string("")) }
    #expect(session.statistics.logBytes - before > 10_000)
  }

  @Test func snapshotsThatAreNotSentAreCounted() throws {
    var limits = SessionLimits()
    limits.sessionBytes = 100_000
    let store = SessionStore(limits: limits)
    let session = try store.create("s")
    for number in 0..<100 {
      try session.register(
        name: "v\(number)", type: .integer, payload: Payload(.integer(1)), writer: writer)
    }
    // The group of these watches counts once, while there are any.
    let first = try session.watch([], wake: {}).watch
    let before = session.statistics.valueBytes
    var watches: [Watch] = []
    let error = #expect(throws: SessionError.self) {
      while watches.count < 1000 {
        watches.append(try session.watch([], snapshotLost: { _ in }, wake: {}).watch)
      }
    }
    #expect(error?.code == .limitReached)
    #expect(session.statistics.valueBytes == before + watches.count * (64 + 8 * 100))
    #expect(session.statistics.watches == watches.count + 1)
    for (number, watch) in watches.enumerated() {
      number % 2 == 0 ? watch.cancel() : watch.snapshotSent()
      watch.snapshotSent()
    }
    #expect(session.statistics.valueBytes == before)
    let last = try session.watch([], snapshotLost: { _ in }, wake: {}).watch
    store.remove("s")
    last.snapshotSent()
    #expect(session.statistics.valueBytes == 0)
    first.cancel()
  }

  @Test func aSnapshotIsLostWithWhatFollowsIt() throws {
    var limits = SessionLimits()
    limits.logChanges = 3
    let session = try SessionStore(limits: limits).create("s")
    for name in ["a", "b"] {
      try session.register(
        name: name, type: .integer, payload: Payload(.integer(1)), writer: writer)
    }
    let before = session.statistics.valueBytes
    let lost = Mutex<[String: [Int64]]>([:])
    func watch(_ title: String, _ names: [String], conflates: Bool = false) throws -> Watch {
      try session.watch(
        names, conflates: conflates,
        snapshotLost: { oldest in lost.withLock { $0[title, default: []].append(oldest) } },
        wake: {}
      ).watch
    }
    let slow = try watch("slow", [])
    let other = try watch("other", ["b"])
    let sent = try watch("sent", ["a"])
    let conflating = try watch("conflating", ["a"], conflates: true)
    let gone = try watch("gone", ["a"])
    sent.snapshotSent()
    gone.cancel()
    for number in 0..<10 {
      try session.set("a", writer: writer) { _ in Payload(.integer(Int64(number))) }
      #expect(lost.withLock { $0.isEmpty } == (number < 3))
    }
    #expect(lost.withLock { $0 } == ["slow": [3]])
    guard case .fellBehind = take(slow).1 else {
      Issue.record("the watch goes on")
      return
    }
    // What it reports is not gone.
    try session.set("b", writer: writer) { _ in Payload(.integer(2)) }
    #expect(take(other).0.count == 1)
    for watch in [slow, other, sent, conflating] { watch.cancel() }
    #expect(session.statistics.valueBytes == before)
  }

  @Test func namesThatWatchesAskForAreCounted() throws {
    var limits = SessionLimits()
    limits.sessionBytes = 1 << 20
    let store = SessionStore(limits: limits)
    let session = try store.create("s")
    let before = session.statistics.valueBytes
    func names(_ number: Int) -> [String] {
      (0..<1000).map { "\(number)-\($0)-" + String(repeating: "x", count: 200) }
    }
    var watches: [Watch] = []
    for number in 0..<10 {
      guard let watch = try? session.watch(names(number), wake: {}).watch else { break }
      watches.append(watch)
    }
    #expect((1..<4).contains(watches.count), "each takes about 370 KB")
    // Others that ask for the same take nothing.
    let full = session.statistics.valueBytes
    watches.append(try session.watch(names(0), wake: {}).watch)
    #expect(session.statistics.valueBytes == full)
    for watch in watches { watch.cancel() }
    #expect(session.statistics.valueBytes == before)
    // A watch that outlives its session gives nothing back twice.
    let last = try session.watch(["a"], wake: {}).watch
    store.remove("s")
    last.cancel()
    #expect(session.statistics.valueBytes == 0)
  }
}
