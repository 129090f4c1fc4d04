public import BridgeSessions

/// What a client gave for one parameter, before it is read as the declared type.
public protocol ArgumentSource {
  /// The parameter it was given for.
  var name: String { get }
  /// Reads the argument as one of the eight types.
  func value(as type: ValueType) throws -> Value
  /// The argument's JSON text, for parameters that take JSON.
  func json() throws -> [UInt8]
  /// The argument's bytes, for parameters that take bytes.
  func bytes() throws -> [UInt8]
}

/// What a client gave for all parameters of a call, by place: a request is one of these as it is, without
/// a box for each argument.
public protocol ArgumentList {
  /// How many arguments there are.
  var count: Int { get }
  /// The parameter that one was given for.
  func name(at place: Int) -> String
  /// As of `ArgumentSource`.
  func value(at place: Int, as type: ValueType) throws -> Value
  /// As of `ArgumentSource`.
  func json(at place: Int) throws -> [UInt8]
  /// As of `ArgumentSource`.
  func bytes(at place: Int) throws -> [UInt8]
}

/// Arguments from anywhere.
struct SourceList: ArgumentList {
  let sources: [any ArgumentSource]

  var count: Int { sources.count }
  func name(at place: Int) -> String { sources[place].name }
  func value(at place: Int, as type: ValueType) throws -> Value {
    try sources[place].value(as: type)
  }
  func json(at place: Int) throws -> [UInt8] { try sources[place].json() }
  func bytes(at place: Int) throws -> [UInt8] { try sources[place].bytes() }
}
