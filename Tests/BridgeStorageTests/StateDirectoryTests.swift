import BridgeSessions
import Foundation
import Logging
import Testing

@testable import BridgeStorage

/// What is found in a state directory, and what happens to it under the host.
@Suite struct StateDirectoryTests {
  private let writer = Writer(.elixir)
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "bridge-state-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory)
  }

  private func open(_ directory: String) throws -> (Journal, SessionStore) {
    let journal = Journal(
      backend: try SQLiteBackend(directory: directory, historyVersions: 10), durability: .always,
      logger: logger)
    let store = SessionStore(journal: journal)
    _ = try journal.restore(into: store)
    return (journal, store)
  }

  /// Makes a directory with a session that has a variable.
  private func fill(_ directory: String) throws {
    let (journal, store) = try open(directory)
    try store.create("s").register(
      name: "v", type: .integer, payload: Payload(.integer(1)), writer: writer)
    journal.stop()
  }

  /// Runs SQL in the database, as somebody with an editor would.
  private func edit(_ directory: String, _ sql: String) throws {
    try SQLiteDatabase(path: directory + "/sessions.sqlite").execute(sql)
  }

  private func expectRefused(
    _ directory: String, _ words: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: StorageError.self, sourceLocation: sourceLocation) {
      let (journal, _) = try open(directory)
      journal.stop()
    }
    #expect(
      error?.message.contains(words) == true, "\(error?.message ?? "")",
      sourceLocation: sourceLocation)
  }

  @Test(arguments: ["removed", "renamed", "replaced", "database removed", "log removed"])
  func whatWouldNotBeFoundIsNotAcknowledged(how: String) throws {
    try withDirectory { directory in
      try take(directory, how: how)
      if how == "renamed" {
        let (again, restored) = try open(directory)
        #expect(try restored.session("s").get("v").variable.value == .integer(3))
        again.stop()
      }
    }
  }

  /// What is refused meanwhile is not written where the directory has gone.
  @Test func whatIsTakenAwayIsLeftAsItWas() throws {
    try withDirectory { directory in
      let away = directory + "-away"
      defer { try? FileManager.default.removeItem(atPath: away) }
      try fill(directory)
      func writeWhereItIsNot() throws {
        let (journal, store) = try open(directory)
        let session = try store.session("s")
        try FileManager.default.moveItem(atPath: directory, toPath: away)
        _ = try? session.set("v", writer: writer) { _ in Payload(.integer(2)) }
        #expect(throws: SessionError.self) { try session.waitUntilStored() }
        journal.stop()
      }
      try writeWhereItIsNot()
      // The writer's thread may still be about to let go of it.
      var opened = try? open(away)
      while opened == nil {
        usleep(1000)
        opened = try? open(away)
      }
      let (again, restored) = try #require(opened)
      #expect(try restored.session("s").get("v").variable.value == .integer(1))
      again.stop()
    }
  }

  private func take(_ directory: String, how: String) throws {
    let files = FileManager.default
    let (journal, store) = try open(directory)
    let session = try store.create("s")
    try session.register(
      name: "v", type: .integer, payload: Payload(.integer(0)), writer: writer)
    try session.waitUntilStored()
    switch how {
    case "removed": try files.removeItem(atPath: directory)
    case "renamed": try files.moveItem(atPath: directory, toPath: directory + "-away")
    case "replaced":
      try files.moveItem(atPath: directory, toPath: directory + "-away")
      try files.copyItem(atPath: directory + "-away", toPath: directory)
    case "database removed": try files.removeItem(atPath: directory + "/sessions.sqlite")
    default: try files.removeItem(atPath: directory + "/sessions.sqlite-wal")
    }
    defer { try? files.removeItem(atPath: directory + "-away") }
    _ = try? session.set("v", writer: writer) { _ in Payload(.integer(1)) }
    #expect(throws: SessionError.self) { try session.waitUntilStored() }
    #expect(throws: SessionError.self) {
      try session.set("v", writer: writer) { _ in Payload(.integer(2)) }
    }
    if how == "renamed" {
      // Once it is back, everything is stored.
      try files.moveItem(atPath: directory + "-away", toPath: directory)
      while (try? session.set("v", writer: writer) { _ in Payload(.integer(3)) }) == nil {
        usleep(10_000)
      }
      try session.waitUntilStored()
    }
    journal.stop()
  }

  @Test func whatOthersCanWriteIsRefused() throws {
    try withDirectory { directory in
      try fill(directory)
      chmod(directory, 0o777)
      expectRefused(directory, "can be written by others")
      chmod(directory, 0o700)
      chmod(directory + "/sessions.sqlite", 0o666)
      expectRefused(directory, "can be written by others")
      chmod(directory + "/sessions.sqlite", 0o644)
      let (journal, _) = try open(directory)
      journal.stop()
      let mode = try FileManager.default.attributesOfItem(
        atPath: directory + "/sessions.sqlite")[.posixPermissions]
      #expect(mode as? Int == 0o600, "what others can read is closed to them")
    }
  }

  @Test func linksAreNotFollowed() throws {
    try withDirectory { directory in
      try fill(directory)
      let (database, other) = (directory + "/sessions.sqlite", directory + "/other")
      try FileManager.default.moveItem(atPath: database, toPath: other)
      try FileManager.default.createSymbolicLink(atPath: database, withDestinationPath: other)
      expectRefused(directory, "link")
      try FileManager.default.removeItem(atPath: database)
      try FileManager.default.linkItem(atPath: other, toPath: database)
      expectRefused(directory, "link")
      try FileManager.default.removeItem(atPath: database)
      mkfifo(database, 0o600)
      expectRefused(directory, "no regular file")
    }
  }

  @Test(arguments: [
    "CREATE TRIGGER t AFTER INSERT ON version BEGIN DELETE FROM session; END",
    "CREATE VIEW w AS SELECT * FROM version", "CREATE TABLE more (a)",
    "CREATE INDEX i ON version (revision)", "ALTER TABLE version ADD COLUMN more",
  ])
  func whatTheHostDidNotMakeIsNotTaken(sql: String) throws {
    try withDirectory { directory in
      try fill(directory)
      try edit(directory, sql)
      expectRefused(directory, "is not the host's")
    }
  }

  @Test(arguments: [
    ("UPDATE session SET time_to_live = 4611686018427387904", "32 bits"),
    ("UPDATE session SET time_to_live = 0", "time to live"),
    ("UPDATE session SET time_to_live = 'long'", "integer"),
    ("UPDATE session SET last_ordinal = 8589934593", "32 bits"),
    ("UPDATE session SET revision = -1", "revision"),
    ("UPDATE session SET revision = 1.5", "integer"),
    ("UPDATE session SET created_at = -5", "creation"),
    ("UPDATE session SET id = x'ff'", "text"),
    ("UPDATE session SET id = CAST(x'ff' AS TEXT)", "text"),
    ("UPDATE session SET metadata = '[1]'", "metadata"),
    (
      "UPDATE variable SET ordinal = 4294967297; UPDATE version SET ordinal = 4294967297", "32 bits"
    ),
    ("UPDATE variable SET stale_since = 9000000000000000000", "stale"),
    ("UPDATE variable SET type = 'colour'", "colour"),
    ("UPDATE variable SET name = 'a' || char(27) || 'b'", "control character"),
    ("UPDATE version SET version = 4294967297", "32 bits"),
    ("UPDATE version SET version = -1", "out of order"),
    ("UPDATE version SET updated_at = -1", "time"),
    ("UPDATE version SET source = 'nobody'", "nobody"),
    ("UPDATE version SET form = 65535", "form"),
    ("UPDATE version SET value = 'x'", "value"),
    ("INSERT INTO dependency SELECT key, 'v', 'nothing', '' FROM session", "not both there"),
  ])
  func everythingThatIsStoredIsChecked(sql: String, words: String) throws {
    try withDirectory { directory in
      try fill(directory)
      try edit(directory, sql)
      expectRefused(directory, words)
    }
  }
}
