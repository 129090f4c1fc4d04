internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import GRPCProtobuf
internal import Synchronization

/// ExportSession and ImportSession: tasks that write and read a session in pieces, at the pace of their
/// clients.
///
/// Only a few run at once, and what all imports hold together is bounded. None holds a thread while it
/// waits for its client.
final class SessionTransfer: Sendable {
  private let sessions: SessionStore
  private let exports = Atomic<Int>(0)
  private let imports = Atomic<Int>(0)
  /// What running imports hold.
  private let importedBytes = Atomic<Int>(0)
  /// Bytes that all imports may hold.
  private let byteLimit: Int

  static let exportLimit = 8
  static let importLimit = 4
  private static let pieceSize = 64 * 1024

  init(_ sessions: SessionStore) {
    self.sessions = sessions
    // Arrays are a third longer in base64.
    let values = min(sessions.limits.sessionBytes, sessions.limits.totalBytes)
    byteLimit = min(values, .max / 2) / 2 * 3 + (1 << 20)
  }

  // MARK: Export

  func export(
    _ request: BridgeHost_V1_ExportSessionRequest,
    _ responses: ResponseMessageWriter<BridgeHost_V1_ExportSessionResponse>
  ) async throws {
    try Self.enter(exports, limit: Self.exportLimit, "exports")
    defer { exports.subtract(1, ordering: .relaxed) }
    let image = try mappingErrors { try sessions.session(request.sessionID).image() }
    var text: [UInt8] = []
    for piece in SessionDocumentWriter(image) {
      text += piece
      guard text.count >= Self.pieceSize else { continue }
      var rest = text[...]
      text = []
      while !rest.isEmpty {
        let message = rest.prefix(Self.pieceSize)
        rest = rest.dropFirst(message.count)
        try await responses.send(.with { $0.data = .init(message) })
      }
    }
    if !text.isEmpty { try await responses.send(.with { $0.data = .init(text) }) }
  }

  // MARK: Import

  func `import`(
    _ requests: RequestMessages<BridgeHost_V1_ImportSessionRequest>
  ) async throws -> BridgeHost_V1_ImportSessionResponse {
    try Self.enter(imports, limit: Self.importLimit, "imports")
    var held = 0
    defer {
      imports.subtract(1, ordering: .relaxed)
      importedBytes.subtract(held, ordering: .relaxed)
    }
    var reader = SessionDocumentReader(limit: byteLimit)
    var otherID = ""
    var isFirst = true
    for try await request in requests {
      if isFirst { otherID = request.sessionID }
      isFirst = false
      // Before it is taken: the text itself is held meanwhile.
      try hold(reader.heldBytes + request.data.count, insteadOf: &held)
      try mappingErrors { try reader.add(request.data) }
      try hold(reader.heldBytes, insteadOf: &held)
    }
    var image = try mappingErrors { try reader.finish() }
    if !otherID.isEmpty { image.id = otherID }
    let session = try mappingErrors {
      try sessions.restore(image, searches: .long(times: 10) { Task.isCancelled })
    }
    try await untilStored()
    return .with {
      $0.sessionID = session.id
      $0.epoch = session.epoch
      $0.revision = image.revision
      $0.variableCount = Int64(image.variables.count)
    }
  }

  /// Counts what an import holds now.
  private func hold(_ bytes: Int, insteadOf held: inout Int) throws(RPCError) {
    let all = importedBytes.add(bytes - held, ordering: .relaxed).newValue
    held = bytes
    guard all <= byteLimit else {
      throw RPCError(
        .resourceExhausted,
        "sessions that are being imported would take more than \(byteLimit) bytes",
        reason: .limitReached, isTransient: bytes <= byteLimit)
    }
  }

  private func untilStored() async throws {
    let error = await withCheckedContinuation { continuation in
      sessions.whenStored { continuation.resume(returning: $0) }
    }
    if let error { throw RPCError(error) }
  }

  private static func enter(
    _ count: borrowing Atomic<Int>, limit: Int, _ what: String
  ) throws(RPCError) {
    guard count.add(1, ordering: .relaxed).newValue <= limit else {
      count.subtract(1, ordering: .relaxed)
      throw RPCError(
        .resourceExhausted, "\(limit) \(what) of sessions are running, which is the limit",
        reason: .limitReached, isTransient: true)
    }
  }
}
