internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import SwiftProtobuf

// GetVariableHistory, RollbackVariable, AddDependency, StartOptimization, StopOptimization.
extension BridgeService {
  func getVariableHistory(_ bytes: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    let request: Snakepit_Bridge_GetVariableHistoryRequest = try decode(bytes)
    let (session, versions, revision) = try mappingErrors {
      let session = try directory.session(request.sessionID)
      let (versions, revision) = try session.history(
        of: request.variableIdentifier, limit: Int(request.limit))
      return (session, versions, revision)
    }
    let size = versions.reduce(0) { $0 + $1.valueTextSize(form(of: $1, call)) }
    return try answering(size, call, holding: bytes.count) {
      try self.history(versions, revision, session, call)
    }
  }

  private func history(
    _ versions: [Variable], _ revision: Int64, _ session: Session, _ call: ServerCall
  ) throws -> [UInt8] {
    let entries = try versions.map { version -> [UInt8] in
      let (typeURL, value, binary) = version.wireValue(form(of: version, call))
      let entry = Snakepit_Bridge_VariableHistoryEntry.with {
        $0.version = version.version
        $0.value.typeURL = typeURL
        $0.value.value = .init(value)
        $0.binaryValue = .init(binary)
        $0.timestamp = .init(nanoseconds: version.updatedAt)
        $0.changedBy = version.writerName
        $0.revision = version.revision
      }
      return try entry.serializedBytes() + version.writeMetadata.bytes(field: 5)
    }
    let response = Snakepit_Bridge_GetVariableHistoryResponse.with {
      $0.revision = revision
      $0.epoch = session.epoch
    }
    return try response.serializedBytes() + EncodedMessages.repeated(entries, field: 1)
  }

  @Sendable
  func rollbackVariable(
    _ bytes: [UInt8], _ call: ServerCall, _ searches: inout SearchBudget
  ) throws -> [UInt8] {
    let request: Snakepit_Bridge_RollbackVariableRequest = try decode(bytes)
    let metadata = VariableMetadata(of: bytes, field: 100)
    let session = try directory.session(request.sessionID)
    // The answer has the value.
    for version in try session.history(of: request.variableIdentifier).versions
    where version.version == request.targetVersion {
      try searches.checkText(version.valueTextSize(form(of: version, call)))
    }
    let variable = try session.rollback(
      request.variableIdentifier, to: request.targetVersion,
      expectedVersion: request.expectedVersion,
      writer: writer(of: metadata), searches: &searches)
    let response = Snakepit_Bridge_RollbackVariableResponse.with {
      $0.success = true
      $0.revision = variable.revision
      $0.epoch = session.epoch
    }
    return try response.serializedBytes() + field(2, variable, call)
  }

  func addDependency(
    _ request: Snakepit_Bridge_AddDependencyRequest, _ call: ServerCall
  ) throws -> Snakepit_Bridge_AddDependencyResponse {
    let session = try directory.session(request.sessionID)
    try session.addDependency(
      of: request.toVariable, on: request.fromVariable, type: request.dependencyType)
    return .with { $0.success = true }
  }

  func startOptimization(
    _ request: Snakepit_Bridge_StartOptimizationRequest, _ call: ServerCall
  ) throws -> Snakepit_Bridge_StartOptimizationResponse {
    let session = try directory.session(request.sessionID)
    let lease = request.optimizerConfig["lease_seconds"] ?? "0"
    guard let lease = Int(lease) else {
      throw SessionError(.invalidArgument, "lease_seconds is \"\(lease)\", not a whole number")
    }
    let (variable, revision) = try session.startOptimization(
      of: request.variableIdentifier, by: request.optimizerID, lease: lease)
    return .with {
      $0.success = true
      $0.optimizationID = variable.status.optimization?.id ?? ""
      $0.leaseSeconds = Int32(variable.status.optimization?.lease ?? 0)
      $0.revision = revision
      $0.epoch = session.epoch
    }
  }

  @Sendable
  func stopOptimization(_ bytes: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    let request: Snakepit_Bridge_StopOptimizationRequest = try decode(bytes)
    // The answer has the value twice.
    let size = try mappingErrors {
      let session = try directory.session(request.sessionID)
      return try session.get(request.variableIdentifier).variable.valueTextSize(.json)
    }
    return try answering(2 * size, call, holding: bytes.count) {
      try self.stopOptimization(request, call)
    }
  }

  private func stopOptimization(
    _ request: Snakepit_Bridge_StopOptimizationRequest, _ call: ServerCall
  ) throws -> [UInt8] {
    let session = try directory.session(request.sessionID)
    let (variable, revision) = try session.stopOptimization(
      of: request.variableIdentifier,
      holder: request.optimizerID.isEmpty ? nil : request.optimizerID, force: request.force)
    let response = Snakepit_Bridge_StopOptimizationResponse.with {
      $0.success = true
      let (typeURL, value, _) = variable.wireValue(.json)
      $0.finalValue.typeURL = typeURL
      $0.finalValue.value = .init(value)
      $0.revision = revision
      $0.epoch = session.epoch
    }
    return try response.serializedBytes() + field(100, variable, call)
  }
}
