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
