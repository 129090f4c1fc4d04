internal import BridgePluginABI

/// One version of a variable.
public struct Variable<Value: ToolValueConvertible>: Sendable {
  /// The id, which no other variable of the session ever has.
  public let id: String
  /// The name.
  public let name: String
  /// The type the variable was created with.
  public let type: ValueType
  /// From 1, rises by one a write.
  public let version: Int32
  /// The session's revision when the version was written.
  public let revision: Int64
  /// The value of this version.
  public let value: Value
  /// What else is known of this version; nil unless it was asked for.
  public let details: VariableDetails?

  /// The same version with the value as another type.
  ///
  /// - Throws: `invalidArgument` when the value is not of that type.
  public func typed<Other: ToolValueConvertible>(as _: Other.Type) throws(ToolError)
    -> Variable<Other>
  {
    guard let other = Other(toolValue: value.toolValue) else {
      throw ToolError(
        .invalidArgument, "the variable \(name) is of type \(type), which is not \(Other.self)")
    }
    return Variable<Other>(
      id: id, name: name, type: type, version: version, revision: revision, value: other,
      details: details)
  }
}

extension Variable<ToolValue> {
  /// Copies what the host shows; nil for what contradicts itself.
  init?(_ variable: UnsafePointer<bridge_variable>) {
    guard sizeOf(variable) >= FirstRelease.variable else { return nil }
    let seen = told(variable)
    guard let value = withUnsafePointer(to: seen.value, { ToolValue($0) }) else { return nil }
    self.init(
      id: String(seen.id), name: String(seen.name), type: value.type, version: seen.version,
      revision: seen.revision, value: value,
      details: seen.details.flatMap { VariableDetails($0) })
  }
}
