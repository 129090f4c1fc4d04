internal import BridgePluginABI

/// The variables of the caller's session, to read, to write and to watch: the counterpart of
/// Snakepit's `VariableAwareMixin`.
///
/// See `VariableReading` for threads and errors. Writing adds `invalidArgument` for a value that is
/// of the wrong type or against a constraint, and `aborted` for a version that is no longer there.
public struct VariableAware: VariableReading {
  /// What the SDK keeps of the call. Tools have no use for it.
  public let state: CallState

  /// Writes a value.
  ///
  /// - Returns: The version written.
  @discardableResult
  public func set(
    _ identifier: String, _ value: some ToolValueConvertible
  ) throws(ToolError) -> Int32 {
    try write(identifier, value.toolValue, expecting: 0)
  }

  /// Writes a value if the variable still has a version.
  ///
  /// - Throws: `aborted` when it has another.
  /// - Returns: The version written.
  @discardableResult
  public func set(
    _ identifier: String, _ value: some ToolValueConvertible, expecting version: Int32
  ) throws(ToolError) -> Int32 {
    try checkVersion(version)
    return try write(identifier, value.toolValue, expecting: version)
  }

  /// Writes several values, all or none, at one revision.
  ///
  ///     try call.variables.setAll(["low": 0.1, "high": 0.9])
  public func setAll(
    _ values: KeyValuePairs<String, any ToolValueConvertible>
  ) throws(ToolError) {
    try setAll(values.map { VariableWrite($0.key, $0.value) })
  }

  /// Writes several values, all or none, at one revision; each that expects a version only if its
  /// variable still has it.
  public func setAll(_ writes: [VariableWrite]) throws(ToolError) {
    for write in writes {
      if let version = write.expectedVersion { try checkVersion(version) }
    }
    var arena = Arena()
    defer { arena.free() }
    let batch = writes.map { write in
      bridge_write(
        size: UInt32(MemoryLayout<bridge_write>.size),
        expected_version: write.expectedVersion ?? 0,
        identifier: arena.view(write.identifier), value: arena.value(write.value.toolValue))
    }
    let api = state.api
    try api.check(
      api.variablesTable.set_all!(api.variables.pointer, arena.place(batch), batch.count))
  }

  /// Changes a value in place: reads it, lets the body change it, and writes it if nobody else has
  /// written meanwhile, else starts again.
  ///
  ///     try call.variables.update("count", as: Int.self) { $0 += 1 }
  ///
  /// - Parameter body: May run several times; it should do nothing but change the value. What it
  ///   throws ends the update.
  /// - Throws: `cancelled` or `deadlineExceeded` when the call is over before it succeeded.
  /// - Returns: The value written.
  @discardableResult
  public func update<Value: ToolValueConvertible>(
    _ identifier: String, as type: Value.Type = Value.self,
    _ body: (inout Value) throws -> Void
  ) throws -> Value {
    while true {
      let current = try variable(identifier, as: type)
      var value = current.value
      try body(&value)
      do {
        // By id: a variable of the same name made anew may have the same version.
        try write(
          current.id, value.toolValue.coerced(to: current.type), expecting: current.version)
        return value
      } catch {
        guard error.code == .aborted else { throw error }
        try state.api.checkCancellation(state.api.status)
      }
    }
  }

  /// Creates a variable of the value's type; an enum of strings makes a choice among its cases.
  ///
  /// - Parameter constraints: An object as the host knows them: `.object(["min": 0, "max": 1])`.
  /// - Throws: `alreadyExists`.
  public func create<Value: ToolValueConvertible>(
    _ name: String, _ value: Value, constraints: JSONText? = nil
  ) throws(ToolError) {
    var constraints = constraints?.text ?? ""
    if constraints.isEmpty && !Value.choices.isEmpty {
      constraints = JSONText.object(["choices": JSONText.array(Value.choices)]).text
    }
    let api = state.api
    let content = value.toolValue
    let status = name.withView { name in
      constraints.withView { constraints in
        content.withABI {
          api.variablesTable.create!(
            api.variables.pointer, name, content.type.rawValue, $0, constraints)
        }
      }
    }
    try api.check(status)
  }

  /// Removes a variable.
  public func remove(_ identifier: String) throws(ToolError) {
    let api = state.api
    try api.check(
      identifier.withView { api.variablesTable.remove!(api.variables.pointer, $0) })
  }

  @discardableResult
  private func write(
    _ identifier: String, _ value: ToolValue, expecting version: Int32
  ) throws(ToolError) -> Int32 {
    let api = state.api
    var written: Int32 = 0
    let status = identifier.withView { identifier in
      value.withABI {
        api.variablesTable.set!(api.variables.pointer, identifier, $0, version, &written)
      }
    }
    try api.check(status)
    return written
  }

  /// Versions start at 1; the ABI takes 0 for any version.
  private func checkVersion(_ version: Int32) throws(ToolError) {
    guard version != 0 else {
      throw ToolError(.invalidArgument, "no variable has version 0")
    }
  }
}

/// One write of a batch.
public struct VariableWrite: Sendable {
  /// The variable's name or id.
  public let identifier: String
  /// What is written.
  public let value: any ToolValueConvertible
  /// The version the variable must still have; nil for any.
  public let expectedVersion: Int32?

  /// Describes a write.
  public init(
    _ identifier: String, _ value: any ToolValueConvertible, expecting version: Int32? = nil
  ) {
    self.identifier = identifier
    self.value = value
    self.expectedVersion = version
  }
}
