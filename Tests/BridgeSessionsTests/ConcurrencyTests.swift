import Threads
import Synchronization
import Testing

@testable import BridgeSessions

/// Many threads on one session; what they saw is held against the log of what was committed.
@Suite struct ConcurrencyTests {
  private static let names = (0..<8).map { "v\($0)" }

  private func makeSession() throws -> Session {
    let session = try SessionStore().create("s")
    for name in Self.names {
      try session.register(
        name: name, type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
    }
    return session
  }

  private final class Flag: Sendable {
    let isSet = Atomic<Bool>(false)
  }

  /// A watcher as the service runs them: woken, it takes until it is up to date.
  private final class Watcher: Sendable {
    let watch = Locked<Watch?>(nil)
    let seen = Locked<[Change]>([])
    let pending = Atomic<Bool>(false)

    func start(_ session: Session, _ names: [String]) throws -> Int64 {
      let (watch, _, revision) = try session.watch(names) { [weak self] in
        self?.pending.store(true, ordering: .sequentiallyConsistent)
      }
      self.watch.withLock { $0 = watch }
      return revision
    }

    func drain() {
      guard pending.exchange(false, ordering: .sequentiallyConsistent) else { return }
      guard let watch = watch.withLock({ $0 }) else { return }
      var changes: [Change] = []
      while case .more = watch.take(&changes, limit: 5) {}
      seen.withLock { $0 += changes }
    }
  }

  @Test func watchesSeeEveryCommitInOrder() async throws {
    let session = try makeSession()
    let (audit, _, _) = try session.watch([]) {}
    let watchers = (0..<6).map { _ in Watcher() }
    var starts: [Int64] = []
    for (index, watcher) in watchers.enumerated() {
      starts.append(try watcher.start(session, [Self.names[index], Self.names[index + 1]]))
    }
    let done = Flag()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for watcher in watchers {
        group.addTask {
          while !done.isSet.load(ordering: .relaxed) {
            watcher.drain()
            await Task.yield()
          }
          watcher.drain()
        }
      }
      try await withThrowingTaskGroup(of: Void.self) { writers in
        for writer in 0..<4 {
          writers.addTask { try Self.write(session, seed: writer) }
        }
        try await writers.waitForAll()
      }
      done.isSet.store(true, ordering: .relaxed)
    }

    var committed: [Change] = []
    while case .more = audit.take(&committed, limit: 1000) {}
    #expect(committed.count > 1000)
    #expect(
      Set(committed.map(\.revision)).count == Int(committed.last!.revision) - Self.names.count)
    for (index, watcher) in watchers.enumerated() {
      let names = [Self.names[index], Self.names[index + 1]]
      let expected = committed.filter {
        names.contains($0.variable.name) && $0.revision > starts[index]
      }
      let seen = watcher.seen.withLock { $0 }
      #expect(seen.map(\.revision) == expected.map(\.revision))
      #expect(seen.map(\.variable.version) == expected.map(\.variable.version))
      checkBatches(seen)
    }
  }

  private static func write(_ session: Session, seed: Int) throws {
    let writer = Writer(.elixir)
    for round in 0..<400 {
      let name = names[(round + seed) % names.count]
      if round % 5 == 0 {
        let batch = Set([name, names[(round + seed + 1) % names.count]])
        let updates = batch.map { Update($0) { _ in Payload(.integer(Int64(round))) } }
        _ = try session.set(updates, atomic: true, writer: writer)
      } else {
        try session.set(name, writer: writer) { _ in Payload(.integer(Int64(round))) }
      }
    }
  }

  /// The parts of one revision stand together, and only the last is marked as that.
  private func checkBatches(_ changes: [Change]) {
    for (current, next) in zip(changes, changes.dropFirst()) {
      #expect(current.isLastInRevision == (current.revision != next.revision))
    }
  }

  @Test func compareAndSetLosesNothing() async throws {
    let session = try makeSession()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<300 {
            while true {
              let current = try session.get("v0").variable
              guard case .integer(let number) = current.value else { return }
              do {
                try session.set(
                  "v0", expectedVersion: current.version, writer: Writer(.elixir)
                ) { _ in Payload(.integer(number + 1)) }
                break
              } catch let error as SessionError where error.code == .versionMismatch {}
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try session.get("v0").variable.value == .integer(1200))
    #expect(try session.get("v0").variable.version == 1201)
  }

  @Test func sessionsComeAndGoUnderUse() async throws {
    let store = SessionStore()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<4 {
        group.addTask {
          for round in 0..<300 {
            let session = try store.session("s\(round % 3)", create: true)
            let watch = try? session.watch(["a"]) {}.watch
            _ = try? session.register(
              name: "a\(worker)", type: .integer, payload: Payload(.integer(1)),
              writer: Writer(.elixir))
            _ = try? session.list("*")
            if round % 7 == 0 { store.remove("s\(round % 3)") }
            watch?.cancel()
          }
        }
      }
      try await group.waitForAll()
    }
    for index in 0..<3 { store.remove("s\(index)") }
    #expect(store.sessionCount == 0)
  }
}
