import BridgeSessions
import Glibc
import Logging
import RandomSessions
import Testing
import Threads

@testable import BridgeStorage

/// The journal over a backend that fails on demand.
@Suite struct JournalTests {
  private let writer = Writer(.elixir)
  private let disk = MemoryBackend.Disk()
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func open(
    _ durability: Journal.Durability = .always
  ) throws -> (Journal, SessionStore, counts: (sessions: Int, variables: Int)) {
    let journal = Journal(backend: MemoryBackend(disk), durability: durability, logger: logger)
    let store = SessionStore(journal: journal)
    return (journal, store, try journal.restore(into: store))
  }

  private func register(_ session: Session, _ name: String = "v") throws {
    try session.register(
      name: name, type: .integer, payload: Payload(.integer(0)), writer: writer)
  }

  private func set(_ session: Session, _ number: Int64) throws {
    try session.set("v", writer: writer) { _ in Payload(.integer(number)) }
  }

  private func code(_ body: () throws -> Void) -> SessionError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? SessionError)?.code
    }
  }

  @Test func whatWasStoredComesBack() throws {
    let (journal, store, none) = try open()
    #expect(none == (0, 0))
    let session = try store.create("s", metadata: ["a": "b"])
    try register(session)
    try register(session, "w")
    try session.addDependency(of: "w", on: "v", type: "x")
    for number in 1...5 { try set(session, Int64(number)) }
    _ = try store.create("gone")
    store.remove("gone")
    let before = try session.image()
    journal.stop()

    let (second, restored, counts) = try open()
    #expect(counts == (1, 2))
    let image = try restored.session("s").image()
    #expect(image.facts == before.facts)
    #expect(image.epoch == before.epoch)
    second.stop()
  }

  @Test func theEpochIsNewAfterACrash() throws {
    let epoch: String
    do {
      let (_, store, _) = try open()
      let session = try store.create("s")
      try register(session)
      try session.waitUntilStored()
      epoch = session.epoch
      // Nobody stops the journal.
    }
    let (journal, store, _) = try open()
    let renewed = try store.session("s").epoch
    #expect(renewed != epoch)
    journal.stop()
    // It is stored, so that it stays.
    let (again, same, _) = try open()
    #expect(try same.session("s").epoch == renewed)
    again.stop()
  }

  @Test func whileTheBackendFailsChangesAreRefused() throws {
    let (journal, store, _) = try open()
    let session = try store.create("s")
    try register(session)
    try session.waitUntilStored()
    disk.contents.withLock { $0.isFailing = true }
    // It was taken before anybody knew; who waits for it is told.
    try set(session, 1)
    #expect(code { try session.waitUntilStored() } == .storageUnavailable)
    #expect(code { try set(session, 2) } == .storageUnavailable)
    #expect(code { _ = try store.create("t") } == .storageUnavailable)
    #expect(try session.get("v").variable.value == .integer(1))
    disk.contents.withLock { $0.isFailing = false }
    while code({ try set(session, 3) }) != nil { sched_yield() }
    try session.waitUntilStored()
    let stored = disk.contents.withLock { $0.images.values.first }
    #expect(stored?.variables.first?.versions.map(\.version) == [1, 2, 3])
    journal.stop()
    #expect(disk.contents.withLock { $0.isClosedInOrder })
  }

  @Test func whatIsLostAtTheEndIsNotCalledAnOrderlyEnd() throws {
    let (journal, store, _) = try open()
    let session = try store.create("s")
    try register(session)
    try session.waitUntilStored()
    disk.contents.withLock { $0.isFailing = true }
    try set(session, 1)
    #expect(code { try session.waitUntilStored() } == .storageUnavailable)
    journal.stop()
    #expect(!disk.contents.withLock { $0.isClosedInOrder })
    #expect(code { try session.waitUntilStored() } == .storageUnavailable)
  }

  @Test func whatWasNotRestoredStopsToo() throws {
    Journal(backend: MemoryBackend(disk), durability: .always, logger: logger).stop()
    #expect(!disk.contents.withLock { $0.isClosedInOrder }, "nobody knows how it was left")
  }

  @Test func whatComesTogetherIsWrittenTogether() throws {
    let (journal, store, _) = try open(.interval(milliseconds: 20))
    let session = try store.create("s")
    try register(session)
    for number in 0..<100 { try set(session, Int64(number)) }
    // Acknowledged at once.
    try session.waitUntilStored()
    journal.stop()
    let groups = disk.contents.withLock { $0.groups }
    #expect(groups.reduce(0, +) == 102)
    #expect(groups.count < 102)
  }
}
