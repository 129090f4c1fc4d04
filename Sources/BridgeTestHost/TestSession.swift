public import BridgeSessions
public import BridgeTools

/// A session of a test host, as the test sees it: the variables that tools work with.
///
/// Thread-safe.
public final class TestSession: Sendable {
  let session: Session

  init(_ session: Session) { self.session = session }

  /// The session's id.
  public var id: String { session.id }

  private static let writer = Writer(.elixir, metadata: ["source": "test"])

  /// Makes a variable.
  ///
  /// - Parameters:
  ///   - value: Gives the type, too, where `type` does not.
  ///   - type: Nil takes that of the value.
  ///   - constraints: A JSON object; empty for none.
  /// - Throws: `TestHostError` of the kind `variable`.
  public func define(
    _ name: String, _ value: TestValue, type: ValueType? = nil, constraints: String = ""
  ) throws(TestHostError) {
    do {
      let type = try type ?? Self.type(of: value)
      try session.register(
        name: name, type: type, constraints: constraints,
        payload: Payload(try value.converted(to: type)), writer: Self.writer)
    } catch {
      throw TestHostError(.variable, "\(error)")
    }
  }

  private static func type(of value: TestValue) throws -> ValueType {
    if case .value(_, let type) = value.owned { return type }
    throw SessionError(
      .invalidArgument, "a variable of \(value.typeName) needs a type to be named")
  }

  /// Writes a variable, as another client would while a tool watches it.
  ///
  /// - Throws: `TestHostError` of the kind `variable`.
  public func set(_ name: String, _ value: TestValue) throws(TestHostError) {
    do {
      _ = try session.set(name, writer: Self.writer) { Payload(try value.converted(to: $0.type)) }
    } catch {
      throw TestHostError(.variable, "\(error)")
    }
  }

  /// Removes a variable.
  ///
  /// - Throws: `TestHostError` of the kind `variable`.
  public func remove(_ name: String) throws(TestHostError) {
    do {
      _ = try session.delete(name, writer: Self.writer)
    } catch {
      throw TestHostError(.variable, "\(error)")
    }
  }

  /// A variable's value.
  ///
  /// - Throws: `TestHostError` of the kind `variable`, when there is none of that name.
  public subscript(name: String) -> TestValue {
    get throws(TestHostError) { try variable(name).value }
  }

  /// A variable as it is.
  ///
  /// - Throws: `TestHostError` of the kind `variable`, when there is none of that name.
  public func variable(_ name: String) throws(TestHostError) -> TestVariable {
    do {
      return TestVariable(try session.get(name).variable)
    } catch {
      throw TestHostError(.variable, "\(error)")
    }
  }

  /// All variables, oldest first.
  public var variables: [TestVariable] {
    ((try? session.list().variables) ?? []).map { TestVariable($0) }
  }

  /// How many watches there are, of whatever call.
  public var watches: Int { Int(session.statistics.watches) }
}

/// A version of a variable.
public struct TestVariable: Sendable, Equatable {
  /// Its name.
  public let name: String
  /// Its type.
  public let type: ValueType
  /// Its value.
  public let value: TestValue
  /// From 1, rises by one a change.
  public let version: Int32
  /// Who wrote it: "test", or "tool:" and a name.
  public let writer: String

  init(_ variable: Variable) {
    let snapshot = VariableSnapshot(variable)
    name = snapshot.name
    type = snapshot.type
    value = .value(snapshot.value, snapshot.type)
    version = snapshot.version
    writer = snapshot.writer
  }

  /// `name = value`, with type, version and writer behind it.
  public var line: String {
    "\(name) = \(value.jsonText)  (\(type.rawValue), version \(version), by \(writer))"
  }
}
