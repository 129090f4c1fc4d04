@testable import BridgeSessions

// What tests write takes the time it takes.
extension Session {
  @discardableResult
  func setConstraints(
    _ constraints: String, of identifier: String, expectedVersion: Int32 = 0, writer: Writer,
    payload: ((Variable.Definition) throws -> Payload)? = nil
  ) throws -> Variable {
    var searches = SearchBudget()
    return try setConstraints(
      constraints, of: identifier, expectedVersion: expectedVersion, writer: writer,
      searches: &searches, payload: payload)
  }

  @discardableResult
  func rollback(
    _ identifier: String, to version: Int32, expectedVersion: Int32 = 0, writer: Writer
  ) throws -> Variable {
    var searches = SearchBudget()
    return try rollback(
      identifier, to: version, expectedVersion: expectedVersion, writer: writer,
      searches: &searches)
  }
}

extension Constraints {
  func admit(_ value: Value) throws -> Value {
    var searches = SearchBudget()
    return try admit(value, &searches)
  }
}
