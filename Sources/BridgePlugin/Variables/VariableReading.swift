internal import BridgePluginABI

/// Reading the variables of the caller's session; see `VariableAware` and `ReadOnlyVariableAware`.
///
/// A variable is found by its name or its id. All of it may be used from any thread while the call
/// lasts. Errors are `ToolError`s with the host's code and message: `notFound`, `permissionDenied`
/// outside the variables that the tool says it uses, `invalidArgument` for a value of another type.
public protocol VariableReading: Sendable {
  /// What the SDK keeps of the call. Tools have no use for it.
  var state: CallState { get }
}

/// The variables of the caller's session, to read and to watch: what read-only tools have.
public struct ReadOnlyVariableAware: VariableReading {
  /// What the SDK keeps of the call. Tools have no use for it.
  public let state: CallState
}

extension VariableReading {
  /// Reads a value.
  ///
  ///     let temperature = try call.variables.get("temperature", as: Double.self)
  public func get<Value: ToolValueConvertible>(
    _ identifier: String, as type: Value.Type = Value.self
  ) throws(ToolError) -> Value {
    try variable(identifier, as: type).value
  }

  /// Reads a value, or answers nil where there is no such variable.
  public func getIfPresent<Value: ToolValueConvertible>(
    _ identifier: String, as type: Value.Type = Value.self
  ) throws(ToolError) -> Value? {
    do {
      return try get(identifier, as: type)
    } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  /// Reads a variable: the value together with its version, revision, id and name.
  ///
  /// - Parameter details: Whether to read who wrote it and when, its constraints and metadata, too.
  public func variable<Value: ToolValueConvertible>(
    _ identifier: String, as type: Value.Type = Value.self, details: Bool = false
  ) throws(ToolError) -> Variable<Value> {
    let api = state.api
    let table = api.variablesTable
    var snapshot: OpaquePointer?
    try api.check(
      identifier.withView {
        table.get!(api.variables.pointer, $0, detailFlags(details), &snapshot)
      })
    defer { _ = table.release!(snapshot) }
    var seen = bridge_variable()
    seen.size = UInt32(MemoryLayout<bridge_variable>.size)
    try api.check(table.read!(snapshot, &seen))
    guard let variable = Variable<ToolValue>(&seen) else {
      throw malformedVariable(identifier)
    }
    return try variable.typed(as: type)
  }

  /// Lists variables, oldest first. A `*` in the pattern stands for any run of characters.
  ///
  /// - Parameter details: As in `variable`.
  public func list(
    _ pattern: String = "*", details: Bool = false
  ) throws(ToolError) -> [Variable<ToolValue>] {
    let api = state.api
    var listing = Listing()
    let status = withUnsafeMutablePointer(to: &listing) { listing in
      pattern.withView {
        api.variablesTable.list!(
          api.variables.pointer, $0, detailFlags(details), collect, listing)
      }
    }
    if listing.isMalformed { throw malformedVariable(pattern) }
    try api.check(status)
    return listing.variables
  }
}

extension CallAPI {
  var variablesTable: bridge_variables_api { host.variables.pointee }
}

private struct Listing {
  var variables: [Variable<ToolValue>] = []
  var isMalformed = false
}

/// Takes one variable of a listing.
private func collect(
  context: UnsafeMutableRawPointer?, variable: UnsafePointer<bridge_variable>?
) -> bridge_status {
  guard let context else { return Status.internalError }
  let listing = context.assumingMemoryBound(to: Listing.self)
  guard let variable, let copy = Variable<ToolValue>(variable) else {
    listing.pointee.isMalformed = true
    return Status.internalError
  }
  listing.pointee.variables.append(copy)
  return Status.ok
}

private func malformedVariable(_ identifier: String) -> ToolError {
  ToolError(.internalError, "the host handed over a malformed variable for \"\(identifier)\"")
}
