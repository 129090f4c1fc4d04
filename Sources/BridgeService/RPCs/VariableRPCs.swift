internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf

// RegisterVariable, GetVariable, SetVariable, ListVariables, DeleteVariable.
extension BridgeService {
  @Sendable
  func registerVariable(
    _ bytes: [UInt8], _ call: ServerCall, _ searches: inout SearchBudget
  ) throws -> [UInt8] {
    let request: Snakepit_Bridge_RegisterVariableRequest = try decode(bytes)
    let metadata = VariableMetadata(of: bytes, field: 6)
    let type = try valueType(request.type)
    // The answer has the value, as JSON unless the call asks for bytes.
    let binaryCount = call.binaryAcceptance == .none ? request.initialBinaryValue.count : 0
    try searches.checkText(request.initialValue.value.count + binaryCount)
    let payload = try Payload(
      typeURL: request.initialValue.typeURL, value: Array(request.initialValue.value),
      binary: Array(request.initialBinaryValue), as: type)
    let registration = try Registration(
      name: request.name, type: type, constraints: request.constraintsJson,
      accessControl: request.accessControlJson, payload: payload, metadata: metadata,
      limits: sessions.limits, searches: &searches)
    // Only now: what is refused must not leave a session behind.
    let session = try sessionForUse(request.sessionID, for: call)
    let (variable, isNew) = try session.register(
      registration, ifTaken: try ifTaken(request), writer: Writer(source(of: metadata)))
    let answer = RegisterVariableResponse.encode(
      variable, epoch: session.epoch, form: form(of: variable, call))
    if isNew { return answer }
    // Messages one after the other are one message.
    let existed = Snakepit_Bridge_RegisterVariableResponse.with { $0.existed = true }
    return try answer + existed.serializedBytes()
  }

  private func ifTaken(
    _ request: Snakepit_Bridge_RegisterVariableRequest
  ) throws -> Session.IfTaken {
    switch request.ifExists {
    case .fail: return configuration.answers.replacesVariables ? .replace : .fail
    case .return: return .keep
    case .replace: return .replace
    case .UNRECOGNIZED(let number):
      throw SessionError(.invalidArgument, "if_exists is \(number), which is not known")
    }
  }

  @Sendable
  func getVariable(_ bytes: [UInt8], _ call: ServerCall) throws(RPCError) -> MessageParts {
    let request = try GetVariableRequest(request: bytes)
    let (session, variable, revision) = try mappingErrors {
      let session = try directory.session(request.sessionID)
      let (variable, revision) = try session.get(request.identifier)
      return (session, variable, revision)
    }
    let form = form(of: variable, call)
    guard variable.textSize(form) > SearchBudget.briefText else {
      return GetVariableResponse.encode(
        variable, revision: revision, epoch: session.epoch, form: form)
    }
    throw call.offloadingAnswer(holding: bytes.count) { () throws(RPCError) in
      GetVariableResponse.encode(
        variable, revision: revision, epoch: session.epoch, form: form
      ).joined
    }
  }

  @Sendable
  func setVariable(
    _ bytes: [UInt8], _ call: ServerCall, _ searches: inout SearchBudget
  ) throws -> [UInt8] {
    let request = try SetVariableRequest(request: bytes)
    try searches.checkReading(request.value, binary: request.binaryValue)
    let session = try directory.session(request.sessionID)
    let writer = writer(of: request.metadata)
    func payload(_ definition: Variable.Definition) throws -> Payload {
      try Payload(
        typeURL: request.typeURL, value: request.value, binary: request.binaryValue,
        as: definition.type)
    }
    let variable: Variable
    if let constraints = request.constraints {
      variable = try session.setConstraints(
        constraints, of: request.identifier, expectedVersion: request.expectedVersion,
        writer: writer, searches: &searches, payload: request.hasValue ? payload : nil)
    } else {
      variable = try session.set(
        request.identifier, expectedVersion: request.expectedVersion, writer: writer,
        searches: &searches, payload: payload)
    }
    return SetVariableResponse.encode(variable, epoch: session.epoch)
  }

  @Sendable
  func listVariables(_ bytes: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    let request: Snakepit_Bridge_ListVariablesRequest = try decode(bytes)
    let (session, variables, revision) = try mappingErrors {
      let session = try directory.session(request.sessionID)
      let (variables, revision) = try session.list(request.pattern)
      return (session, variables, revision)
    }
    return try answering(textSize(variables, call), call, holding: bytes.count) {
      let response = Snakepit_Bridge_ListVariablesResponse.with {
        $0.revision = revision
        $0.epoch = session.epoch
      }
      let encoded = variables.map { $0.encoded(self.form(of: $0, call)) }
      return try response.serializedBytes() + EncodedMessages.repeated(encoded, field: 1)
    }
  }

  func deleteVariable(
    _ request: Snakepit_Bridge_DeleteVariableRequest, _ metadata: VariableMetadata,
    _ call: ServerCall
  ) throws -> Snakepit_Bridge_DeleteVariableResponse {
    let session = try directory.session(request.sessionID)
    let revision = try session.delete(
      request.variableIdentifier, writer: writer(of: metadata))
    return .with {
      $0.success = true
      $0.revision = revision
      $0.epoch = session.epoch
    }
  }

  // MARK: Shared by the RPCs on variables

  func valueType(_ name: String) throws -> ValueType {
    guard let type = ValueType(name: name) else {
      throw SessionError(
        .invalidValue,
        "unknown variable type \"\(name)\"; use one of: "
          + ValueType.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return type
  }

  func writer(of metadata: VariableMetadata) -> Writer {
    Writer(source(of: metadata), metadata: metadata)
  }

  /// Who writes, by the request's metadata: Python says so, Elixir need not.
  func source(of metadata: VariableMetadata) -> Variable.Source {
    // By bytes: the text may be any.
    guard !metadata.isEmpty, let source = metadata["source"],
      source.utf8.elementsEqual("python".utf8)
    else { return .elixir }
    return .python
  }

  func form(of variable: Variable, _ call: ServerCall) -> ValueForm {
    // Most values are small: whether the client reads binary is asked for large ones only.
    guard case .array = variable.value else { return .json }
    return variable.form(call.binaryAcceptance)
  }

  /// A variable as a field of a message, to be put behind its bytes.
  func field(_ number: Int, _ variable: Variable, _ call: ServerCall) -> [UInt8] {
    EncodedMessages.repeated([variable.encoded(form(of: variable, call))], field: number)
  }
}
