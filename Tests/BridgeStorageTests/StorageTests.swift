import BridgeSessions
import Foundation
import Logging
import Testing
import Threads

@testable import BridgeStorage

@Suite struct StorageTests {
  private let elixir = Writer(.elixir, metadata: ["source": "test", "ü": "\"\n"])
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// A directory of the test's own, removed after it.
  private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "bridge-storage-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory)
  }

  private func open(
    _ directory: String, _ durability: Journal.Durability = .always,
    historyVersions: Int = 100
  ) throws -> (Journal, SessionStore, counts: (sessions: Int, variables: Int)) {
    let storage = Journal(
      backend: try SQLiteBackend(directory: directory, historyVersions: historyVersions),
      durability: durability, logger: logger)
    var limits = SessionLimits()
    limits.historyVersions = historyVersions
    let store = SessionStore(limits: limits, journal: storage)
    return (storage, store, try storage.restore(into: store))
  }

  /// What an image says, as text; the epoch aside.
  private func text(_ session: Session) throws -> String {
    func text(_ metadata: VariableMetadata) -> String {
      "\(metadata.sorted)"
    }
    let image = try session.image()
    var lines = [
      "\(image.id) \(text(image.metadata)) \(image.createdAt) \(image.timeToLive) "
        + "\(image.revision) \(image.lastOrdinal) \(image.dependencies)"
    ]
    for variable in image.variables {
      lines.append(
        "\(variable.name) \(variable.type) \(variable.ordinal) \(variable.constraints) "
          + "\(variable.accessControl) \(text(variable.metadata)) \(variable.staleSince)")
      for version in variable.versions {
        let payload = version.payload
        let json = String(decoding: payload.value.json(as: variable.type), as: UTF8.self)
        var array = ""
        if case .array(let numbers) = payload.value {
          array = "\(numbers.shape) \(numbers.elementType) \(numbers.bytes) \(numbers.isNested)"
        }
        lines.append(
          "\(version.version) \(version.revision) \(version.updatedAt) \(version.source) "
            + "\(text(version.metadata)) \(json) \(array) \(payload.attachment) "
            + "\(payload.form.rawValue)")
      }
    }
    return lines.joined(separator: "\n")
  }

  private static let values: [(ValueType, Value)] = [
    (.float, .float(-0.1)), (.float, .float(.nan)), (.float, .float(-.infinity)),
    (.integer, .integer(.max)), (.boolean, .boolean(false)), (.string, .string("ä\"\u{0}\n")),
    (.string, .string("")), (.choice, .string("a")), (.module, .string("M.N")),
    (.embedding, .array(NumericArray([1, 2.5, .nan]))),
    (.embedding, .array(NumericArray([]))),
    (
      .tensor,
      .array(NumericArray(shape: [2, 1], elementType: .int8, bytes: [1, 255], isNested: true))
    ),
    (.tensor, .array(NumericArray([4], shape: []))),
  ]

  @Test func everythingComesBack() throws {
    try withDirectory { directory in
      var before = ""
      var epoch = ""
      do {
        let (storage, store, _) = try open(directory)
        let session = try store.create("s", metadata: ["owner": "me"], timeToLive: 77)
        for (number, (type, value)) in Self.values.enumerated() {
          try session.register(
            name: "v\(number)", type: type, payload: Payload(value, form: .snakepitURL),
            metadata: ["unit": "K"], writer: elixir)
        }
        try session.register(
          name: "limited", type: .integer, constraints: #"{"max": 9}"#,
          accessControl: #"{"writers": ["elixir"]}"#,
          payload: Payload(.integer(1), attachment: [0, 255]), writer: elixir)
        try session.set("limited", writer: elixir) { _ in Payload(.integer(2)) }
        var searches = SearchBudget()
        try session.setConstraints(
          #"{"max": 10}"#, of: "limited", writer: elixir, searches: &searches)
        try session.addDependency(of: "v1", on: "v0", type: "data")
        try session.addDependency(of: "v2", on: "v1", type: "x")
        try session.set("v0", writer: elixir) { _ in Payload(.float(5)) }
        try session.set("v1", writer: elixir) { _ in Payload(.float(6)) }
        _ = try session.delete("v3", writer: elixir)
        _ = try store.create("gone")
        store.remove("gone")
        before = try text(session)
        epoch = session.epoch
        storage.stop()
      }
      let (storage, store, counts) = try open(directory)
      #expect(counts == (1, Self.values.count))
      let session = try store.session("s")
      #expect(try text(session) == before)
      #expect(session.epoch == epoch)
      #expect(session.timeToLive == 77)
      #expect(try session.get("v2").variable.status.staleSince > 0)
      #expect(throws: SessionError.self) {
        try session.set("limited", writer: elixir) { _ in Payload(.integer(11)) }
      }
      // A new registration does not take the id of one that was deleted.
      let new = try session.register(
        name: "v3", type: .integer, payload: Payload(.integer(0)), writer: elixir)
      #expect(new.definition.ordinal == Int32(Self.values.count) + 2)
      storage.stop()
    }
  }

  @Test func whatIsAcknowledgedIsThereAfterACrash() throws {
    try withDirectory { directory in
      var epoch = ""
      do {
        let (_, store, _) = try open(directory)
        let session = try store.create("s")
        epoch = session.epoch
        try session.register(
          name: "v", type: .integer, payload: Payload(.integer(0)), writer: elixir)
        for number in 1...50 {
          try session.set("v", writer: elixir) { _ in Payload(.integer(Int64(number))) }
        }
        try session.waitUntilStored()
        // A copy is what a process that is killed now would leave.
        try FileManager.default.copyItem(atPath: directory, toPath: directory + "-copy")
      }
      defer { try? FileManager.default.removeItem(atPath: directory + "-copy") }
      let (storage, store, _) = try open(directory + "-copy")
      let session = try store.session("s")
      #expect(try session.get("v").variable.value == .integer(50))
      #expect(session.revision == 51)
      #expect(session.epoch != epoch)
      #expect(throws: SessionError.self) {
        try session.watch(["v"], from: .after(revision: 51, epoch: epoch)) {}
      }
      _ = try session.watch(["v"], from: .after(revision: 51, epoch: session.epoch)) {}
      #expect(throws: SessionError.self) {
        try session.watch(["v"], from: .after(revision: 50, epoch: session.epoch)) {}
      }
      storage.stop()
    }
  }

  @Test func historyIsTrimmedAndKept() throws {
    try withDirectory { directory in
      do {
        let (storage, store, _) = try open(
          directory, .interval(milliseconds: 5), historyVersions: 3)
        let session = try store.create("s")
        try session.register(
          name: "v", type: .integer, payload: Payload(.integer(0)), writer: elixir)
        for number in 1...10 {
          try session.set("v", writer: elixir) { _ in Payload(.integer(Int64(number))) }
        }
        storage.stop()
      }
      let (storage, store, _) = try open(directory, historyVersions: 3)
      let versions = try store.session("s").history(of: "v").versions
      #expect(versions.map(\.version) == [11, 10, 9, 8])
      storage.stop()
    }
  }

  @Test func oneHostOnly() throws {
    try withDirectory { directory in
      let (storage, _, _) = try open(directory)
      let error = #expect(throws: StorageError.self) { try open(directory) }
      #expect(error?.message.contains("in use") == true)
      storage.stop()
    }
  }

  @Test func refusesWhatIsNoDatabase() throws {
    try withDirectory { directory in
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try Data(
        "not a database, and long enough for a header of a hundred bytes".utf8
          + [UInt8](repeating: 7, count: 200)
      )
      .write(to: URL(fileURLWithPath: directory + "/sessions.sqlite"))
      #expect(throws: StorageError.self) { try open(directory) }
    }
    #expect(throws: StorageError.self) { try open("/proc/no/such/place") }
  }

  /// Runs `body` with 0, 1, … on so many threads, and waits for them.
  private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
    let condition = Condition()
    // Guarded by the condition.
    nonisolated(unsafe) var left = count
    for index in 0..<count {
      try #require(
        startThread(named: "test") {
          body(index)
          condition.withLock {
            left -= 1
            condition.signal()
          }
        })
    }
    condition.withLock {
      while left > 0 { condition.wait() }
    }
  }

  @Test func manyThreadsWriteAndNothingIsLost() throws {
    try withDirectory { directory in
      var before: [String] = []
      do {
        let (storage, store, _) = try open(directory, .interval(milliseconds: 1))
        try onThreads(8) { index in
          guard let session = try? store.session("s\(index % 4)", create: true) else { return }
          for number in 0..<200 {
            let name = "v\(number % 10)"
            _ = try? session.register(
              name: name, type: .integer, payload: Payload(.integer(0)), writer: elixir)
            _ = try? session.set(
              ["v0", name].map { Update($0) { _ in Payload(.integer(Int64(number))) } },
              atomic: true, writer: elixir)
          }
        }
        before = try (0..<4).map { try text(store.session("s\($0)")) }
        storage.stop()
      }
      let (storage, store, _) = try open(directory)
      #expect(try (0..<4).map { try text(store.session("s\($0)")) } == before)
      storage.stop()
    }
  }

  @Test func howTheLastUseEndedIsKnown() throws {
    try withDirectory { directory in
      func use(_ end: (SQLiteBackend) throws -> Void) throws -> Bool {
        let backend = try SQLiteBackend(directory: directory, historyVersions: 1)
        let wasInOrder = try backend.open()
        try end(backend)
        return wasInOrder
      }
      _ = try use { try $0.close(inOrder: true) }
      #expect(try use { _ in })
      #expect(try !use { try $0.close(inOrder: false) })
      #expect(try !use { try $0.close(inOrder: true) })
      #expect(try use { try $0.close(inOrder: true) })
    }
  }
}
