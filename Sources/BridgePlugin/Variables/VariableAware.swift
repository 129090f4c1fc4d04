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
  /// - Parameter metadata: What is noted with the version; readers see it in its details.
  /// - Returns: The version written.
  @discardableResult
  public func set(
    _ identifier: String, _ value: some ToolValueConvertible, metadata: [String: String] = [:]
  ) throws(ToolError) -> Int32 {
    try write(identifier, value.toolValue, expecting: 0, metadata)
  }

  /// Writes a value if the variable still has a version.
  ///
  /// - Throws: `aborted` when it has another.
  /// - Returns: The version written.
  @discardableResult
  public func set(
    _ identifier: String, _ value: some ToolValueConvertible, expecting version: Int32,
    metadata: [String: String] = [:]
  ) throws(ToolError) -> Int32 {
    try checkVersion(version)
    return try write(identifier, value.toolValue, expecting: version, metadata)
  }

  /// Writes several values, all or none, at one revision.
  ///
  ///     try call.variables.setAll(["low": 0.1, "high": 0.9])
  public func setAll(
    _ values: KeyValuePairs<String, any ToolValueConvertible>
  ) throws(ToolError) {
    try setAll(values.map { VariableWrite($0.key, $0.value) })
  }

  /// Writes several values, all or none, at one revision, if each variable that a version is expected
  /// of still has it.
  ///
  /// - Returns: The versions, one a write.
  @discardableResult
  public func setAll(_ writes: [VariableWrite]) throws(ToolError) -> [Int32] {
    for write in writes {
      if let version = write.expectedVersion { try checkVersion(version) }
    }
    var arena = Arena()
    defer { arena.free() }
    let batch = writes.map { write -> UnsafePointer<bridge_write>? in
      var view = bridge_write()
      view.size = UInt32(MemoryLayout<bridge_write>.size)
      if write.isCheck { view.flags = UInt32(BRIDGE_WRITE_CHECK_ONLY) }
      view.identifier = arena.view(write.identifier)
      view.value = arena.value(write.value.toolValue)
      view.expected_version = write.expectedVersion ?? 0
      (view.metadata, view.metadata_count) = arena.pairs(write.metadata)
      return arena.place(&view, MemoryLayout<bridge_write>.size)
        .assumingMemoryBound(to: bridge_write.self)
    }
    let api = state.api
    var versions = [Int32](repeating: 0, count: batch.count)
    let status = versions.withUnsafeMutableBufferPointer {
      api.variablesTable.set_all!(
        api.variables.pointer, arena.place(batch), batch.count, $0.baseAddress)
    }
    try api.check(status)
    return versions
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
          current.id, value.toolValue.coerced(to: current.type), expecting: current.version, [:])
        return value
      } catch {
        guard error.code == .aborted else { throw error }
        try state.api.checkCancellation(state.api.status)
      }
    }
  }

  /// Creates a variable of the value's type; an enum of strings makes a choice among its cases.
  ///
  /// - Parameters:
  ///   - constraints: An object as the host knows them: `.object(["min": 0, "max": 1])`.
  ///   - metadata: The variable's own, which that of each write is laid over.
  /// - Throws: `alreadyExists`.
  public func create<Value: ToolValueConvertible>(
    _ name: String, _ value: Value, constraints: JSONText? = nil, metadata: [String: String] = [:]
  ) throws(ToolError) {
    var constraints = constraints?.text ?? ""
    if constraints.isEmpty && !Value.choices.isEmpty {
      constraints = JSONText.object(["choices": JSONText.array(Value.choices)]).text
    }
    let api = state.api
    let content = value.toolValue
    var arena = Arena()
    defer { arena.free() }
    var creation = bridge_creation()
    creation.size = UInt32(MemoryLayout<bridge_creation>.size)
    creation.type = content.type.rawValue
    creation.name = arena.view(name)
    creation.value = arena.value(content)
    creation.constraints = arena.view(constraints)
    (creation.metadata, creation.metadata_count) = arena.pairs(metadata)
    try api.check(api.variablesTable.create!(api.variables.pointer, &creation))
  }

  /// Removes a variable.
  public func remove(_ identifier: String) throws(ToolError) {
    let api = state.api
    try api.check(
      identifier.withView { api.variablesTable.remove!(api.variables.pointer, $0) })
  }

  @discardableResult
  private func write(
    _ identifier: String, _ value: ToolValue, expecting version: Int32, _ metadata: [String: String]
  ) throws(ToolError) -> Int32 {
    let api = state.api
    var arena = Arena()
    defer { arena.free() }
    var write = bridge_write()
    write.size = UInt32(MemoryLayout<bridge_write>.size)
    write.expected_version = version
    (write.metadata, write.metadata_count) = arena.pairs(metadata)
    var written: Int32 = 0
    let status = identifier.withView { identifier in
      write.identifier = identifier
      return value.withABI { value in
        write.value = value.pointee
        return api.variablesTable.set!(api.variables.pointer, &write, &written)
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
  /// What is noted with the version.
  public let metadata: [String: String]
  /// Whether nothing is written, and the version only expected.
  let isCheck: Bool

  /// Describes a write.
  public init(
    _ identifier: String, _ value: any ToolValueConvertible, expecting version: Int32? = nil,
    metadata: [String: String] = [:]
  ) {
    self.identifier = identifier
    self.value = value
    self.expectedVersion = version
    self.metadata = metadata
    isCheck = false
  }

  private init(expecting version: Int32, of identifier: String) {
    self.identifier = identifier
    value = ToolValue.null
    expectedVersion = version
    metadata = [:]
    isCheck = true
  }

  /// Writes nothing: the batch is refused unless the variable has a version.
  public static func check(_ identifier: String, version: Int32) -> VariableWrite {
    VariableWrite(expecting: version, of: identifier)
  }
}
