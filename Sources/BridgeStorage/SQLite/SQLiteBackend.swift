public import BridgeSessions

/// A state directory: the tables of its SQLite database, and how sessions are written to and read
/// from them.
public final class SQLiteBackend: JournalBackend {
  /// The layout of the tables; a database of another one is refused.
  private static let layout: Int64 = 1

  private static let schema = """
    CREATE TABLE IF NOT EXISTS host (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS session (
      key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL, metadata TEXT NOT NULL,
      created_at INTEGER NOT NULL, time_to_live INTEGER NOT NULL, revision INTEGER NOT NULL,
      last_ordinal INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS variable (
      session INTEGER NOT NULL, ordinal INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
      constraints TEXT NOT NULL, access_control TEXT NOT NULL, metadata TEXT NOT NULL,
      stale_since INTEGER NOT NULL, PRIMARY KEY (session, ordinal)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS version (
      session INTEGER NOT NULL, ordinal INTEGER NOT NULL, version INTEGER NOT NULL,
      revision INTEGER NOT NULL, updated_at INTEGER NOT NULL, source TEXT NOT NULL,
      metadata TEXT NOT NULL, form INTEGER NOT NULL, value BLOB NOT NULL, elements BLOB,
      attachment BLOB NOT NULL, PRIMARY KEY (session, ordinal, version)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS dependency (
      session INTEGER NOT NULL, source TEXT NOT NULL, dependent TEXT NOT NULL, type TEXT NOT NULL,
      PRIMARY KEY (session, source, dependent)) WITHOUT ROWID;
    """

  private let place: StateDirectory
  private let database: SQLiteDatabase
  private let historyVersions: Int
  private let statements: Statements

  private struct Statements {
    let addSession, setEpoch, setRevision, addVariable, setStale, addVersion,
      trimVersions: SQLiteStatement
    let removeVariable, removeVersions, addDependency, removeDependencies: SQLiteStatement
    let removeSession: [SQLiteStatement]
  }

  /// Opens a state directory, making it where there is none.
  ///
  /// - Parameter historyVersions: Past versions kept of a variable.
  /// - Throws: `StorageError`: it cannot be written, another host uses it, or it holds something
  ///   else.
  public init(directory: String, historyVersions: Int) throws(StorageError) {
    let place = try StateDirectory(directory)
    let path = place.databasePath
    self.place = place
    do {
      let database = try SQLiteDatabase(path: path)
      // Exclusive: two hosts must not serve the same sessions. FULL: a transaction that has
      // committed survives a power failure (https://www.sqlite.org/pragma.html#pragma_synchronous).
      try database.execute(
        """
        PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        BEGIN EXCLUSIVE; COMMIT;
        """)
      try database.execute(Self.schema)
      try Self.checkSchema(of: database, path)
      place.noteLog()
      self.statements = try Self.prepare(database)
      self.database = database
      self.historyVersions = historyVersions
    } catch let error as SQLiteError {
      throw StorageError(
        error.isBusy
          ? "\(path) is in use by another process" : "\(path) cannot be used: \(error.message)")
    } catch let error as StorageError {
      throw error
    } catch {
      throw StorageError("\(path) cannot be used: \(error)")
    }
    do {
      let found = try value("layout")
      if let found, found != Self.layout {
        throw StorageError(
          "\(path) has layout \(found), this version of the host knows \(Self.layout)")
      }
      if found == nil { try set("layout", Self.layout) }
    } catch let error as StorageError {
      throw error
    } catch {
      throw StorageError("\(path) cannot be used: \(error)")
    }
  }

  /// A table is as the host makes it, and there is nothing else: a trigger or a view would run what
  /// somebody else wrote.
  private static func checkSchema(of database: SQLiteDatabase, _ path: String) throws {
    let tables = Set(
      schema.replacing("CREATE TABLE IF NOT EXISTS", with: "CREATE TABLE").split(separator: ";")
        .map { words($0) }.filter { !$0.isEmpty })
    try database.prepare("SELECT type, name, sql FROM sqlite_schema").forEachRow { row in
      let (type, name) = (try row.text(0), try row.text(1))
      // Those that SQLite makes of a UNIQUE have no text.
      if type == "index", row.isNull(2) { return }
      guard type == "table", try tables.contains(words(row.text(2)[...])) else {
        throw StorageError("\(path) has a \(type) \(name), which is not the host's: it is not used")
      }
    }
  }

  /// The words of a statement, whatever is between them.
  private static func words(_ sql: Substring) -> [Substring] {
    sql.split(whereSeparator: \.isWhitespace)
  }

  private static func prepare(_ database: SQLiteDatabase) throws(SQLiteError) -> Statements {
    func one(_ sql: String) throws(SQLiteError) -> SQLiteStatement { try database.prepare(sql) }
    return Statements(
      addSession: try one("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
      setEpoch: try one("UPDATE session SET epoch = ?2 WHERE key = ?1"),
      setRevision: try one(
        "UPDATE session SET revision = ?2, last_ordinal = max(last_ordinal, ?3) WHERE key = ?1"),
      addVariable: try one("INSERT OR REPLACE INTO variable VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
      setStale: try one(
        "UPDATE variable SET stale_since = ? WHERE session = ? AND ordinal = ?"),
      addVersion: try one(
        "INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      trimVersions: try one(
        "DELETE FROM version WHERE session = ? AND ordinal = ? AND version < ?"),
      removeVariable: try one("DELETE FROM variable WHERE session = ? AND ordinal = ?"),
      removeVersions: try one("DELETE FROM version WHERE session = ? AND ordinal = ?"),
      addDependency: try one("INSERT OR REPLACE INTO dependency VALUES (?, ?, ?, ?)"),
      removeDependencies: try one(
        "DELETE FROM dependency WHERE session = ?1 AND (source = ?2 OR dependent = ?2)"),
      removeSession: try ["dependency", "version", "variable"].map { table throws(SQLiteError) in
        try one("DELETE FROM \(table) WHERE session = ?")
      } + [one("DELETE FROM session WHERE key = ?")])
  }

  // MARK: Facts of the whole

  private func value(_ name: String) throws -> Int64? {
    var value: Int64?
    try database.prepare("SELECT value FROM host WHERE name = ?")
      .forEachRow(.text(name)) { value = try $0.integer(0) }
    return value
  }

  private func set(_ name: String, _ value: Int64) throws {
    try database.prepare("INSERT OR REPLACE INTO host VALUES (?, ?)")
      .run(.text(name), .integer(value))
  }

  // MARK: JournalBackend

  /// Notes that the database is in use; see `JournalBackend`.
  public func open() throws -> Bool {
    let wasClosedInOrder = try value("clean") == 1
    try set("clean", 0)
    return wasClosedInOrder
  }

  /// Stores records in one transaction, which is on disk when this returns.
  public func write(_ records: [JournalRecord]) throws {
    try place.checkIsInPlace()
    try transaction {
      for record in records { try apply(record.event, key: record.key) }
    }
    // It may have gone in the meantime. Then the group is written again when it is back.
    try place.checkIsInPlace()
  }

  /// Notes how the use ended; see `JournalBackend`.
  public func close(inOrder: Bool) throws {
    try place.checkIsInPlace()
    try set("clean", inOrder ? 1 : 0)
  }

  // MARK: Writing

  /// Runs `body` in one transaction: all of it is stored, or nothing.
  private func transaction(_ body: () throws -> Void) throws {
    try database.execute("BEGIN")
    do {
      try body()
      try database.execute("COMMIT")
    } catch {
      // Some errors have ended the transaction already; then this one fails and changes nothing.
      try? database.execute("ROLLBACK")
      throw error
    }
  }

  private func apply(_ event: JournalRecord.Event, key: Int64) throws {
    switch event {
    case .began(let session): try add(session, key: key)
    case .renewed(let epoch): try statements.setEpoch.run(.integer(key), .text(epoch))
    case .applied(let mutation, let changes):
      switch mutation {
      case .addDependency(let dependency): try add(dependency, key: key)
      case .end: try removeSession(key)
      case .register, .write, .batch, .setOptimization, .remove:
        var lastOrdinal: Int32 = 0
        for change in changes {
          try apply(change, key: key)
          lastOrdinal = max(lastOrdinal, change.variable.definition.ordinal)
        }
        guard let revision = changes.last?.revision else { return }
        try setRevision(revision, lastOrdinal: lastOrdinal, key: key)
      }
    }
  }

  private func add(_ session: SessionImage, key: Int64) throws {
    try statements.addSession.run(
      .integer(key), .text(session.id), .text(session.epoch),
      .text(MetadataText.encode(session.metadata)), .integer(session.createdAt),
      .integer(Int64(session.timeToLive)), .integer(session.revision),
      .integer(Int64(session.lastOrdinal)))
    for variable in session.variables {
      try statements.addVariable.run(
        .integer(key), .integer(Int64(variable.ordinal)), .text(variable.name),
        .text(variable.type.rawValue), .text(variable.constraints), .text(variable.accessControl),
        .text(MetadataText.encode(variable.metadata)), .integer(variable.staleSince))
      for version in variable.versions {
        try add(version, of: variable.ordinal, variable.type, key)
      }
    }
    for edge in session.dependencies { try add(edge, key: key) }
  }

  private func add(_ dependency: DependencyImage, key: Int64) throws {
    try statements.addDependency.run(
      .integer(key), .text(dependency.source), .text(dependency.dependent), .text(dependency.type))
  }

  private func add(
    _ version: VersionImage, of ordinal: Int32, _ type: ValueType, _ key: Int64
  ) throws {
    let payload = PayloadParts(version.payload, as: type)
    try statements.addVersion.run(
      .integer(key), .integer(Int64(ordinal)), .integer(Int64(version.version)),
      .integer(version.revision), .integer(version.updatedAt), .text(version.source.rawValue),
      .text(MetadataText.encode(version.metadata)), .integer(payload.form), .blob(payload.json),
      payload.elements.map { .blob($0) } ?? .null, .blob(payload.attachment))
  }

  /// Applies one change, without the session's revision.
  private func apply(_ change: Change, key: Int64) throws {
    let variable = change.variable
    let ordinal = Int64(variable.definition.ordinal)
    switch change.kind {
    case .registered, .constraintsChanged:
      let definition = variable.definition
      try statements.addVariable.run(
        .integer(key), .integer(ordinal), .text(variable.name), .text(variable.type.rawValue),
        .text(definition.constraintsJSON), .text(definition.accessControlJSON),
        .text(MetadataText.encode(definition.metadata)),
        .integer(variable.status.staleSince))
      try addVersion(variable, key)
    case .valueChanged:
      // The write before may have been stale; most variables never are.
      if change.previous?.status.staleSince != 0 {
        try statements.setStale.run(.integer(0), .integer(key), .integer(ordinal))
      }
      try addVersion(variable, key)
    case .dependencyChanged:
      try statements.setStale.run(
        .integer(variable.status.staleSince), .integer(key), .integer(ordinal))
    case .optimizationChanged: break
    case .deleted:
      try statements.removeVariable.run(.integer(key), .integer(ordinal))
      try statements.removeVersions.run(.integer(key), .integer(ordinal))
      try statements.removeDependencies.run(.integer(key), .text(variable.name))
    }
  }

  private func addVersion(_ variable: Variable, _ key: Int64) throws {
    try add(VersionImage(variable), of: variable.definition.ordinal, variable.type, key)
    let oldest = Int64(variable.version) - Int64(historyVersions)
    if oldest > 1 {
      try statements.trimVersions.run(
        .integer(key), .integer(Int64(variable.definition.ordinal)), .integer(oldest))
    }
  }

  private func setRevision(_ revision: Int64, lastOrdinal: Int32, key: Int64) throws {
    try statements.setRevision.run(
      .integer(key), .integer(revision), .integer(Int64(lastOrdinal)))
  }

  private func removeSession(_ key: Int64) throws {
    for statement in statements.removeSession { try statement.run(.integer(key)) }
  }

  // MARK: Reading

  /// Hands over every session, one at a time.
  public func readAll(_ body: (SessionImage, _ key: Int64) throws -> Void) throws {
    let sessions = try database.prepare("SELECT * FROM session ORDER BY key")
    let variables = try database.prepare(
      "SELECT * FROM variable WHERE session = ? ORDER BY ordinal")
    let versions = try database.prepare(
      "SELECT * FROM version WHERE session = ? AND ordinal = ? ORDER BY version")
    let dependencies = try database.prepare("SELECT * FROM dependency WHERE session = ?")
    try sessions.forEachRow { row in
      let key = try row.integer(0)
      var image = SessionImage(
        id: try row.text(1), epoch: try row.text(2),
        metadata: try MetadataText.decode(row.text(3)), createdAt: try row.integer(4),
        timeToLive: Int(try row.small(5)), revision: try row.integer(6),
        lastOrdinal: try row.small(7))
      try variables.forEachRow(.integer(key)) { row in
        let type = try ValueType(stored: row.text(3))
        var variable = VariableImage(
          name: try row.text(2), type: type, ordinal: try row.small(1),
          constraints: try row.text(4), accessControl: try row.text(5),
          metadata: try MetadataText.decode(row.text(6)), staleSince: try row.integer(7),
          versions: [])
        try versions.forEachRow(.integer(key), .integer(Int64(variable.ordinal))) { row in
          variable.versions.append(try Self.version(row, type))
        }
        image.variables.append(variable)
      }
      try dependencies.forEachRow(.integer(key)) { row in
        image.dependencies.append(
          DependencyImage(
            source: try row.text(1), dependent: try row.text(2), type: try row.text(3)))
      }
      try body(image, key)
    }
  }

  private static func version(_ row: SQLiteStatement, _ type: ValueType) throws -> VersionImage {
    let payload = PayloadParts(
      json: row.blob(8), elements: row.isNull(9) ? nil : row.blob(9), attachment: row.blob(10),
      form: try row.integer(7))
    let source = try row.text(5)
    guard let source = Variable.Source(name: source) else {
      throw StorageError("a version has the unknown source \"\(source)\"")
    }
    return VersionImage(
      version: try row.small(2), revision: try row.integer(3), updatedAt: try row.integer(4),
      source: source, metadata: try MetadataText.decode(row.text(6)),
      payload: try payload.payload(as: type))
  }
}

extension ValueType {
  fileprivate init(stored name: String) throws {
    guard let type = ValueType(name: name) else {
      throw StorageError("a variable has the unknown type \"\(name)\"")
    }
    self = type
  }
}
