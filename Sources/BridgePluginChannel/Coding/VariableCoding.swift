internal import BridgeSessions
internal import BridgeTools

extension FrameWriter {
  mutating func write(_ variable: VariableSnapshot) {
    write(variable.id)
    write(variable.name)
    write(variable.type)
    write(variable.value)
    write(variable.version)
    write(variable.revision)
    write(variable.updatedAt)
    write(variable.writer)
    write(variable.constraintsJSON)
    write(variable.metadata)
  }

  mutating func write(_ write: VariableWrite) {
    self.write(write.identifier)
    self.write(write.value)
    self.write(write.expectedVersion)
    self.write(write.metadata)
    self.write(write.isCheckOnly)
  }

  mutating func write(_ variable: NewVariable) {
    write(variable.name)
    write(variable.type)
    write(variable.value)
    write(variable.constraintsJSON)
    write(variable.metadata)
  }

  mutating func write(_ change: VariableChange) {
    write(place: change.kind)
    write(change.revision)
    write(change.time)
    write(change.variable) { $0.write($1) }
    write(change.previous) { $0.write($1) }
    write(change.cause)
  }
}

extension FrameReader {
  mutating func variable() throws -> VariableSnapshot {
    VariableSnapshot(
      VariableFacts(
        id: try text(), name: try text(), type: try valueType(), value: try value(),
        version: try number(), revision: try number(), updatedAt: try number(),
        writer: try text(), constraintsJSON: try text(), metadata: try metadata()))
  }

  mutating func variableWrite() throws -> VariableWrite {
    var write = VariableWrite(
      try text(), try toolValue(), expectedVersion: try number(), metadata: try metadata())
    write.isCheckOnly = try flag()
    return write
  }

  mutating func newVariable() throws -> NewVariable {
    NewVariable(
      name: try text(), type: try valueType(), value: try toolValue(),
      constraintsJSON: try text(), metadata: try metadata())
  }

  mutating func change() throws -> VariableChange {
    VariableChange(
      try place(), revision: try number(), time: try number(),
      variable: try optional { try $0.variable() }, previous: try optional { try $0.variable() },
      cause: try text())
  }
}
