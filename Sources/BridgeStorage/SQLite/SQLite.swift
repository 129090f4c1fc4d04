internal import CSQLite

/// What SQLite answered.
///
/// Source: https://www.sqlite.org/rescode.html
struct SQLiteError: Error, CustomStringConvertible {
  let code: CInt
  let message: String

  var description: String { message }
  var isBusy: Bool { code & 0xFF == SQLITE_BUSY }
}

/// One connection to an SQLite database. Not thread-safe.
///
/// Source: https://www.sqlite.org/c3ref/intro.html
final class SQLiteDatabase {
  private let handle: OpaquePointer

  /// Opens a database. What is in it is not trusted: it may run nothing.
  ///
  /// Source: https://www.sqlite.org/security.html
  init(path: String) throws(SQLiteError) {
    var handle: OpaquePointer?
    let flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW
    let result = sqlite3_open_v2(path, &handle, flags, nil)
    guard result == SQLITE_OK, let handle else {
      let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(handle)
      throw SQLiteError(code: result, message: message)
    }
    self.handle = handle
    bridge_sqlite_distrust(handle)
    try execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")
  }

  deinit { sqlite3_close_v2(handle) }

  /// Runs statements without parameters or results.
  func execute(_ sql: String) throws(SQLiteError) {
    try check(sqlite3_exec(handle, sql, nil, nil, nil))
  }

  func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
    var statement: OpaquePointer?
    try check(
      sqlite3_prepare_v3(
        handle, sql, -1, CUnsignedInt(SQLITE_PREPARE_PERSISTENT), &statement, nil))
    return SQLiteStatement(statement!, of: self)
  }

  func check(_ result: CInt) throws(SQLiteError) {
    if result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW { return }
    throw SQLiteError(
      code: sqlite3_extended_errcode(handle), message: String(cString: sqlite3_errmsg(handle)))
  }
}

/// A prepared statement, used again and again. Not thread-safe.
final class SQLiteStatement {
  private let handle: OpaquePointer
  private let database: SQLiteDatabase

  fileprivate init(_ handle: OpaquePointer, of database: SQLiteDatabase) {
    self.handle = handle
    self.database = database
  }

  deinit { sqlite3_finalize(handle) }

  enum Parameter {
    case integer(Int64)
    case text(String)
    case blob([UInt8])
    case null
  }

  /// Runs the statement to its end.
  func run(_ parameters: Parameter...) throws(SQLiteError) {
    try bind(parameters)
    defer { sqlite3_reset(handle) }
    while try step() {}
  }

  /// Runs the statement and hands each row to `body`, which reads it with the column functions.
  func forEachRow(_ parameters: Parameter..., body: (SQLiteStatement) throws -> Void) throws {
    try bind(parameters)
    defer { sqlite3_reset(handle) }
    while try step() { try body(self) }
  }

  private func step() throws(SQLiteError) -> Bool {
    let result = sqlite3_step(handle)
    try database.check(result)
    return result == SQLITE_ROW
  }

  private func bind(_ parameters: [Parameter]) throws(SQLiteError) {
    for (index, parameter) in parameters.enumerated() {
      let place = CInt(index + 1)
      switch parameter {
      case .integer(let value): try database.check(sqlite3_bind_int64(handle, place, value))
      case .text(var text):
        let result = text.withUTF8 { bytes in
          bytes.withMemoryRebound(to: CChar.self) {
            // An empty view may have no address, which would bind NULL.
            bridge_sqlite_bind_text(handle, place, $0.baseAddress ?? emptyText, CInt($0.count))
          }
        }
        try database.check(result)
      case .blob(let bytes):
        let result = bytes.withUnsafeBytes {
          bridge_sqlite_bind_blob(
            handle, place, $0.baseAddress ?? UnsafeRawPointer(emptyText), CInt($0.count))
        }
        try database.check(result)
      case .null: try database.check(sqlite3_bind_null(handle, place))
      }
    }
  }

  // MARK: The present row

  /// - Throws: `StorageError` for what is no integer.
  func integer(_ column: CInt) throws -> Int64 {
    guard sqlite3_column_type(handle, column) == SQLITE_INTEGER else {
      throw wrong(column, "integer")
    }
    return sqlite3_column_int64(handle, column)
  }

  /// - Throws: `StorageError` for what does not fit 32 bits.
  func small(_ column: CInt) throws -> Int32 {
    guard let value = Int32(exactly: try integer(column)) else { throw wrong(column, "32 bits") }
    return value
  }

  func isNull(_ column: CInt) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  /// - Throws: `StorageError` for what is no text in UTF-8.
  func text(_ column: CInt) throws -> String {
    guard sqlite3_column_type(handle, column) == SQLITE_TEXT,
      let text = String(validating: blob(column), as: UTF8.self)
    else { throw wrong(column, "text") }
    return text
  }

  private func wrong(_ column: CInt, _ expected: String) -> StorageError {
    let name = sqlite3_column_name(handle, column).map { String(cString: $0) } ?? "\(column)"
    return StorageError("the column \(name) of a row is not \(expected)")
  }

  func blob(_ column: CInt) -> [UInt8] {
    guard let bytes = sqlite3_column_blob(handle, column) else { return [] }
    return Array(
      UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
  }
}

private nonisolated(unsafe) let emptyText: UnsafePointer<CChar> = {
  let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
  text.initialize(to: 0)
  return UnsafePointer(text)
}()
