internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf

// GetVariables, SetVariables.
extension BridgeService {
  @Sendable
  func getVariables(_ bytes: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    let request: Snakepit_Bridge_BatchGetVariablesRequest = try decode(bytes)
    let (session, variables, revision) = try mappingErrors {
      let session = try directory.session(request.sessionID)
      let (variables, revision) = try session.get(request.variableIdentifiers)
      return (session, variables, revision)
    }
    let size = textSize(variables.lazy.compactMap(\.self), call)
    return try answering(size, call, holding: bytes.count) {
      var found = MapWriter(field: 1, reservingCapacity: 256 * variables.count)
      var response = Snakepit_Bridge_BatchGetVariablesResponse.with {
        $0.revision = revision
        $0.epoch = session.epoch
      }
      for (identifier, variable) in zip(request.variableIdentifiers, variables) {
        if let variable {
          found.write(identifier, variable.encoded(self.form(of: variable, call)))
        } else {
          response.missingVariables.append(identifier)
        }
      }
      return try response.serializedBytes() + found.bytes
    }
  }

  @Sendable
  func setVariables(_ bytes: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    var done: [Session.UpdateResult] = []
    do {
      var searches = SearchBudget.brief
      return try setVariables(bytes, &done, &searches)
    } catch SearchInterruption.needsTime {
      let written = done
      throw call.offloadingAnswer(holding: bytes.count) { () throws(RPCError) in
        try mappingErrors {
          var done = written
          var searches = SearchBudget.long { call.isClosed }
          return try self.setVariables(bytes, &done, &searches)
        }
      }
    } catch {
      throw RPCError(mapping: error)
    }
  }

  /// - Parameter done: What became of the first updates already; see `Session.set`.
  private func setVariables(
    _ bytes: [UInt8], _ done: inout [Session.UpdateResult], _ searches: inout SearchBudget
  ) throws -> [UInt8] {
    let request: Snakepit_Bridge_BatchSetVariablesRequest = try decode(bytes)
    for (identifier, value) in request.updates {
      let binary = request.binaryUpdates[identifier].map(Array.init) ?? []
      try searches.checkReading(Array(value.value), binary: binary)
    }
    try searches.checkText(request.updates.values.reduce(0) { $0 + $1.value.count })
    // What decoding has made one, an answer could not tell apart.
    let merged =
      MapKeys(of: bytes, field: 2).mergedPair(into: request.updates.count)
      ?? MapKeys(of: bytes, field: 5).mergedPair(into: request.binaryUpdates.count)
      ?? MapKeys(of: bytes, field: 100).mergedPair(into: request.expectedVersions.count)
    if let (first, second) = merged {
      throw SessionError(
        .invalidArgument,
        "the batch names \(first) twice, in different bytes (\(second)); names that Unicode takes "
          + "for the same are one variable")
    }
    let metadata = VariableMetadata(of: bytes, field: 3)
    let session = try directory.session(request.sessionID)
    try checkBatch(request)
    // Sorted, so that a batch is one and the same history whatever order the map came in.
    let identifiers = request.updates.keys.sorted()
    let updates = identifiers.map { identifier in
      let value = request.updates[identifier]!
      let binary = Array(request.binaryUpdates[identifier] ?? .init())
      return Update(identifier, expectedVersion: request.expectedVersions[identifier] ?? 0) {
        try Payload(
          typeURL: value.typeURL, value: Array(value.value), binary: binary, as: $0.type)
      }
    }
    let outcome = try session.set(
      updates, atomic: request.atomic, writer: writer(of: metadata), done: &done,
      searches: &searches)
    let response = Snakepit_Bridge_BatchSetVariablesResponse.with {
      $0.success = outcome.isComplete
      for (identifier, result) in zip(identifiers, outcome.results) {
        switch result {
        case .success(let variable):
          $0.newVersions[identifier] = variable.version
        case .failure(let error): $0.errors[identifier] = error.message
        }
      }
      $0.revision = outcome.revision
      $0.epoch = session.epoch
    }
    return try response.serializedBytes()
  }

  private func checkBatch(_ request: Snakepit_Bridge_BatchSetVariablesRequest) throws {
    let beside =
      Array(request.binaryUpdates.keys) + Array(request.expectedVersions.keys)
    if let stray = beside.sorted().first(where: { request.updates[$0] == nil }) {
      throw SessionError(
        .invalidArgument,
        "\(stray) has a binary value or an expected version, but is not among the updates")
    }
  }
}
