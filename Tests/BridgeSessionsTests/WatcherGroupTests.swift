import Testing

@testable import BridgeSessions

/// What watches with the same filter share.
@Suite struct WatcherGroupTests {
  private let writer = Writer(.elixir)
  private let session: Session

  init() throws {
    session = try SessionStore(limits: SessionLimits()).create("s")
    for name in ["a", "b"] {
      try session.register(
        name: name, type: .integer, payload: Payload(.integer(0)), writer: writer)
    }
  }

  private func set(_ name: String) throws {
    try session.set(name, writer: writer) { _ in Payload(.integer(1)) }
  }

  /// A client that writes the revision and name of each change as its update, and shares them.
  private final class Reader {
    let watch: Watch
    /// What it was told, in order.
    var told: [UInt8] = []
    var batches = 0
    var encoded = 0
    var completeRevision: Int64?

    init(_ session: Session, _ identifiers: [String]) throws {
      watch = try session.watch(identifiers) {}.watch
    }

    static func update(_ change: Change) -> [UInt8] {
      Array("\(change.revision)\(change.variable.name)\(change.isLastInRevision ? "." : "-") ".utf8)
    }

    func read(limit: Int, shares: Bool = true) {
      while true {
        var items: [Watch.Item] = []
        let progress = watch.take(&items, limit: limit)
        var bytes: [UInt8] = []
        var ranges: [Watch.LogRange] = []
        var complete: Int64?
        func close() {
          if !ranges.isEmpty && shares {
            watch.share(bytes, of: ranges, completeRevision: complete)
          }
          (bytes, ranges, complete) = ([], [], nil)
        }
        for item in items {
          switch item {
          case .batch(let batch):
            close()
            told += batch.bytes
            batches += 1
            if let revision = batch.completeRevision { completeRevision = revision }
          case .change(let change, let shared, let range):
            if shared == nil { encoded += 1 }
            let update = shared ?? Self.update(change)
            if change.isLastInRevision { completeRevision = change.revision }
            told += update
            if range.isShared {
              bytes += update
              ranges.append(range)
              if change.isLastInRevision { complete = change.revision }
            }
          }
        }
        close()
        guard case .more = progress else { return }
      }
    }
  }

  @Test func theSecondTakesWhatTheFirstWrote() throws {
    let readers = try (0..<3).map { _ in try Reader(session, ["a"]) }
    for _ in 0..<5 { try set("a") }
    for reader in readers { reader.read(limit: 64) }
    #expect(readers.map(\.batches) == [0, 1, 1])
    #expect(readers.map(\.encoded) == [5, 0, 0])
    #expect(Set(readers.map(\.told)).count == 1)
    #expect(readers.allSatisfy { $0.completeRevision == session.revision })
  }

  @Test func runsFollowOneAnother() throws {
    let readers = try (0..<2).map { _ in try Reader(session, ["a"]) }
    try set("a")
    try set("a")
    readers[0].read(limit: 1)
    try set("a")
    readers[0].read(limit: 1)
    readers[1].read(limit: 64)
    #expect(readers[1].batches == 3)
    #expect(readers[0].told == readers[1].told)
  }

  @Test func othersAreNotToldWhatTheyDidNotAskFor() throws {
    let a = try Reader(session, ["a"])
    let everything = try Reader(session, [])
    let pattern = try Reader(session, ["?", "a*"])
    try set("a")
    try set("b")
    for reader in [a, everything, pattern] { reader.read(limit: 64) }
    #expect([a, everything, pattern].map(\.batches) == [0, 0, 0])
    #expect(String(decoding: a.told, as: UTF8.self) == "3a. ")
    #expect(String(decoding: everything.told, as: UTF8.self) == "3a. 4b. ")
  }

  @Test func theOrderOfNamesDoesNotMatterButTheIdDoes() throws {
    let id = try session.get("a").variable.id
    let readers = try [["a", "b"], ["b", "a", "a"], [id, "b"]].map { try Reader(session, $0) }
    #expect(readers[0].watch.group === readers[1].watch.group)
    #expect(readers[0].watch.group !== readers[2].watch.group)
  }

  @Test func nothingIsKeptForOne() throws {
    let reader = try Reader(session, ["a"])
    do {
      let other = try Reader(session, ["a"])
      try set("a")
      reader.read(limit: 64)
      #expect(reader.watch.group.batch(at: 2) != nil)
      other.watch.cancel()
    }
    #expect(reader.watch.group.batch(at: 2) == nil)
    try set("a")
    reader.read(limit: 64)
    #expect(reader.watch.group.batch(at: 3) == nil)
  }

  @Test func whatTheLogKeepsIsCounted() throws {
    let watch = try Reader(session, ["a"]).watch
    try set("a")
    let before = session.statistics.logBytes
    var changes: [Change] = []
    _ = watch.take(&changes, limit: 9)
    for _ in 0..<2 { watch.share([UInt8](repeating: 1, count: 5000), of: changes[0]) }
    #expect(session.statistics.logBytes == before + 5000)
    // One of a batch that goes on for others is a copy, which the log does not have.
    watch.share([1], of: changes[0].with(isLastInRevision: false))
    #expect(session.statistics.logBytes == before + 5000)
  }

  /// Whoever comes and goes and however far each reads, all are told every change once.
  @Test(arguments: 0..<40)
  func sharedAndUnsharedWatchesAreToldTheSame(round: Int) throws {
    let filters: [[String]] = [["a"], ["a"], ["b"], ["a", "b"], [], ["*"]]
    var readers: [(reader: Reader, audit: Watch)] = []
    for _ in 0..<200 {
      switch Int.random(in: 0..<10) {
      case 0 where readers.count < 12:
        let filter = filters.randomElement()!
        let reader = try Reader(session, filter)
        readers.append((reader, try session.watch(filter) {}.watch))
      case 1 where !readers.isEmpty:
        try finish(readers.remove(at: .random(in: 0..<readers.count)))
      case 2, 3, 4:
        readers.randomElement()?.reader.read(limit: .random(in: 1...4), shares: .random())
      case 5:
        let updates = ["a", "b"].map { Update($0) { _ in Payload(.integer(2)) } }
        _ = try session.set(updates, atomic: true, writer: writer)
      default:
        try set(["a", "b"].randomElement()!)
      }
    }
    for reader in readers { try finish(reader) }
    #expect(session.state.withLock { $0.groups.isEmpty && $0.groupsByName.isEmpty })
  }

  private func finish(_ pair: (reader: Reader, audit: Watch)) throws {
    pair.reader.read(limit: .random(in: 1...64))
    var changes: [Change] = []
    while case .more = pair.audit.take(&changes, limit: 100) {}
    #expect(pair.reader.told == changes.flatMap(Reader.update))
    pair.reader.watch.cancel()
    pair.audit.cancel()
  }
}
