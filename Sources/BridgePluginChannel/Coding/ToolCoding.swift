internal import BridgeSessions
internal import BridgeTools

extension FrameWriter {
  mutating func write(_ tool: ToolDescription) {
    write(tool.name)
    write(tool.title)
    write(tool.description)
    write(list: tool.parameters) { $0.write($1) }
    write(tool.output) { $0.write($1) }
    write(tool.plugin)
    for flag in [
      tool.streams, tool.isReadOnly, tool.isDestructive, tool.isIdempotent, tool.isOpenWorld,
      tool.isAtomic,
    ] { write(flag) }
    write(tool.concurrency)
    write(list: tool.reads) { $0.write($1) }
    write(list: tool.writes) { $0.write($1) }
  }

  private mutating func write(_ parameter: ParameterDescription) {
    write(parameter.name)
    write(parameter.description)
    write(parameter.type)
    write(parameter.isRequired)
    write(parameter.defaultValue) { $0.write($1) }
    write(parameter.constraintsJSON)
    write(parameter.schemaJSON)
  }

  private mutating func write(_ output: OutputDescription) {
    write(output.type) { $0.write($1) }
    write(output.description)
    write(output.constraintsJSON)
    write(output.schemaJSON)
  }

  private mutating func write(_ concurrency: ToolDescription.Concurrency) {
    switch concurrency {
    case .unlimited: write(Int64(0))
    case .limited(let count): write(Int64(count))
    case .serial: write(Int64(-1))
    }
  }

  mutating func write(_ outcome: ToolOutcome) {
    switch outcome.result {
    case .success(let value):
      write(true)
      write(value)
    case .failure(let failure):
      write(false)
      write(failure)
    }
    write(outcome.binaryResult) { $0.write(payload: $1) }
    write(outcome.metadata)
  }

  mutating func write(_ failure: ToolFailure) {
    write(failure.code)
    write(failure.message)
    write(failure.type)
    write(failure.details)
    write(failure.isRetryable)
  }

  /// An error of variables, of tools, or of another kind, which arrives as one of the host.
  mutating func write(_ error: any Error) {
    switch error {
    case let error as SessionError:
      write(UInt8(0))
      write(place: error.code)
      write(error.message)
      write(details: error.details)
    case let error as ToolsError:
      write(UInt8(1))
      write(place: error.code)
      write(error.message)
      write(details: error.details)
    default:
      write(UInt8(0))
      write(place: SessionError.Code.failedPrecondition)
      write("\(error)")
      write(details: [:])
    }
  }

  private mutating func write(details: [String: String]) {
    write(list: details) { writer, entry in
      writer.write(entry.key)
      writer.write(entry.value)
    }
  }
}

extension FrameReader {
  /// - Throws: Also what a constraint or a schema is refused with.
  mutating func tool() throws -> ToolDescription {
    let (name, title, text) = (try text(), try text(), try text())
    let parameters = try list { try $0.parameter() }
    let output = try optional { try $0.output() }
    var tool = ToolDescription(
      name: name, description: text, parameters: parameters, plugin: try self.text())
    tool.title = title
    tool.output = output
    tool.streams = try flag()
    tool.isReadOnly = try flag()
    tool.isDestructive = try flag()
    tool.isIdempotent = try flag()
    tool.isOpenWorld = try flag()
    tool.isAtomic = try flag()
    tool.concurrency = try concurrency()
    tool.reads = try list { try $0.text() }
    tool.writes = try list { try $0.text() }
    guard ToolName.isValid(tool.name), tool.parameters.allSatisfy({ ToolName.isValid($0.name) })
    else { throw MalformedFrame("a tool has no name that is taken") }
    return tool
  }

  private mutating func parameter() throws -> ParameterDescription {
    try ParameterDescription(
      name: try text(), description: try text(), type: try toolType(), isRequired: try flag(),
      defaultValue: try optional { try $0.toolValue().owned }, constraintsJSON: try text(),
      schemaJSON: try text())
  }

  private mutating func output() throws -> OutputDescription {
    try OutputDescription(
      type: try optional { try $0.toolType() }, description: try text(),
      constraintsJSON: try text(), schemaJSON: try text())
  }

  private mutating func concurrency() throws(MalformedFrame) -> ToolDescription.Concurrency {
    switch try number(Int64.self) {
    case 0: .unlimited
    case -1: .serial
    case let count where count > 0: .limited(Int(count))
    case let other: throw MalformedFrame("\(other) calls at once are no limit")
    }
  }

  mutating func outcome() throws -> ToolOutcome {
    let result: Result<ToolValue, ToolFailure> =
      try flag() ? .success(try toolValue()) : .failure(try failure())
    return ToolOutcome(
      result, binaryResult: try optional { try $0.payload().blob }, metadata: try metadata())
  }

  mutating func failure() throws(MalformedFrame) -> ToolFailure {
    let failure = ToolFailure(
      code: try number(), message: try text(), type: try text(), details: try text(),
      isRetryable: try flag())
    guard (1...16).contains(failure.code) else {
      throw MalformedFrame("\(failure.code) is the code of no failure")
    }
    return failure
  }

  mutating func error() throws -> any Error {
    switch try number(UInt8.self) {
    case 0: SessionError(try place(), try text(), details: try details())
    case 1: ToolsError(try place(), try text(), details: try details())
    case let other: throw MalformedFrame("there is no error \(other)")
    }
  }

  private mutating func details() throws -> [String: String] {
    let entries = try list { (try $0.text(), try $0.text()) }
    return Dictionary(entries) { $1 }
  }
}
