internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf

// Ping, InitializeSession, CleanupSession, GetSession, Heartbeat.
extension BridgeService {
  func ping(
    _ request: Snakepit_Bridge_PingRequest, _ call: ServerCall
  ) -> Snakepit_Bridge_PingResponse {
    .with {
      $0.message = "pong: \(request.message)"
      $0.serverTime = .init(nanoseconds: Clock.wall)
    }
  }

  func initializeSession(_ bytes: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    let request: Snakepit_Bridge_InitializeSessionRequest = try decode(bytes)
    return try mappingErrors {
      try initialize(request, metadata: VariableMetadata(of: bytes, field: 2), call)
    }
  }

  private func initialize(
    _ request: Snakepit_Bridge_InitializeSessionRequest, metadata: VariableMetadata,
    _ call: ServerCall
  ) throws -> [UInt8] {
    let tools = try encodedTools()
    try directory.checkIsHere(request.sessionID)
    let lifetime = Int(request.config.ttlSeconds)
    let session: Session
    if request.mustNotExist {
      session = try sessions.create(
        request.sessionID, metadata: metadata, timeToLive: lifetime, client: call.client)
    } else {
      let isNew: Bool
      (session, isNew) = try sessions.open(
        request.sessionID, metadata: metadata, timeToLive: lifetime, client: call.client)
      if !isNew { return try answer(session) + tools + encodedTools(of: session.id) }
    }
    logger.info("session created", metadata: ["session": "\(session.id)"])
    return try answer(session) + tools
  }

  /// Without the tools. Messages one after the other are one message.
  private func answer(_ session: Session) throws -> [UInt8] {
    let response = Snakepit_Bridge_InitializeSessionResponse.with {
      $0.success = true
      $0.revision = session.revision
      $0.epoch = session.epoch
    }
    return try response.serializedBytes()
  }

  func cleanupSession(_ bytes: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    let request: Snakepit_Bridge_CleanupSessionRequest = try decode(bytes)
    return try mappingErrors { try cleanUp(request).rpcBytes() }
  }

  private func cleanUp(
    _ request: Snakepit_Bridge_CleanupSessionRequest
  ) throws -> Snakepit_Bridge_CleanupSessionResponse {
    try directory.checkIsHere(request.sessionID)
    let freed = sessions.remove(request.sessionID)
    if let freed {
      logger.info(
        "session ended", metadata: ["session": "\(request.sessionID)", "freed": "\(freed)"])
    }
    return .with {
      $0.success = true
      $0.resourcesCleaned = Int32(clamping: freed ?? 0)
    }
  }

  func getSession(_ bytes: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    let request: Snakepit_Bridge_GetSessionRequest = try decode(bytes)
    return try mappingErrors { try describe(request) }
  }

  private func describe(_ request: Snakepit_Bridge_GetSessionRequest) throws -> [UInt8] {
    let session = try directory.session(request.sessionID)
    let statistics = session.statistics
    let response = Snakepit_Bridge_GetSessionResponse.with {
      $0.sessionID = session.id
      $0.createdAt = .init(nanoseconds: session.createdAt)
      $0.variableCount = Int32(clamping: statistics.variables)
      $0.toolCount = Int32(clamping: tools.registry.catalog.count)
      $0.revision = statistics.revision
      $0.epoch = session.epoch
      $0.lastUsedAt = .init(nanoseconds: session.lastUsedAt)
      $0.ttlSeconds = Int32(clamping: session.timeToLive)
      $0.watchCount = Int32(clamping: statistics.watches)
      $0.valueBytes = Int64(statistics.valueBytes)
      $0.historyBytes = Int64(statistics.historyBytes)
      $0.logBytes = Int64(statistics.logBytes)
    }
    return try response.serializedBytes() + session.metadata.bytes(field: 2)
  }

  /// A session that is not there is no error here: the answer says so, unless it must not.
  func heartbeat(
    _ request: Snakepit_Bridge_HeartbeatRequest, _ call: ServerCall
  ) throws -> Snakepit_Bridge_HeartbeatResponse {
    try directory.checkIsHere(request.sessionID)
    tools.peer?.heartbeat(request.sessionID)
    return .with {
      $0.serverTime = .init(nanoseconds: Clock.wall)
      $0.sessionValid = configuration.callsSessionsValid
      guard let session = try? sessions.session(request.sessionID) else { return }
      $0.sessionValid = true
      $0.revision = session.revision
      $0.epoch = session.epoch
    }
  }
}
