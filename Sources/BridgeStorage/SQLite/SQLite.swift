internal import CSQLite
internal import Glibc

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

  /// Opens a database, making one that only its owner can read where there is none.
  init(path: String) throws(SQLiteError) {
    // SQLite gives the files beside it the same permissions. What cannot be made it says itself.
    let file = open(path, O_CREAT | O_CLOEXEC | O_WRONLY, 0o600)
    if file >= 0 { close(file) }
    var handle: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    let result = sqlite3_open_v2(path, &handle, flags, nil)
    guard result == SQLITE_OK, let handle else {
      let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(handle)
      throw SQLiteError(code: result, message: message)
    }
    self.handle = handle
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

  func integer(_ column: CInt) -> Int64 { sqlite3_column_int64(handle, column) }

  func isNull(_ column: CInt) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func text(_ column: CInt) -> String {
    String(decoding: blob(column), as: UTF8.self)
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
