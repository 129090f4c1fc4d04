internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import GRPCProtobuf
internal import JSON
internal import SwiftProtobuf
internal import Threads

/// One ExportSession call: a thread of its own writes the text, the connection sets the pace.
// @unchecked: `hasRoom` and `isOver` are guarded by the condition.
final class SessionExport: ServerCallHandler, @unchecked Sendable {
  private let sessions: SessionStore
  private let call: ServerCall
  private let condition = Condition()
  private var hasRoom = true
  private var isOver = false

  private static let pieceSize = 64 * 1024

  init(sessions: SessionStore, call: ServerCall) {
    self.sessions = sessions
    self.call = call
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let request = try BridgeHost_V1_ExportSessionRequest(request: bytes)
    let session = try mappingErrors { try sessions.session(request.sessionID) }
    guard startThread(named: "session-export", { self.send(session) }) else { throw Self.noThread }
  }

  static let noThread = RPCError(
    .resourceExhausted, "the system has no thread left", reason: .limitReached)

  private func send(_ session: Session) {
    do {
      var writer = JSONWriter()
      writer.write(SessionDocument.encode(try session.image()))
      var rest = writer.bytes[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Self.pieceSize)
        rest = rest.dropFirst(piece.count)
        guard try send(BridgeHost_V1_ExportSessionResponse.with { $0.data = .init(piece) }) else {
          return
        }
      }
      call.finish()
    } catch {
      call.fail(RPCError(mapping: error))
    }
  }

  /// - Returns: false when the call is over.
  private func send(_ piece: BridgeHost_V1_ExportSessionResponse) throws -> Bool {
    let message: [UInt8] = try piece.serializedBytes()
    // Before the message goes: `writable` may come at any moment after.
    condition.withLock { hasRoom = false }
    if call.send(message) { return true }
    return condition.withLock {
      while !hasRoom && !isOver { condition.wait() }
      return !isOver
    }
  }

  func writable() {
    condition.withLock {
      hasRoom = true
      condition.signal()
    }
  }

  func cancelled(_ reason: RPCError) {
    condition.withLock {
      isOver = true
      condition.signal()
    }
  }
}

/// One ImportSession call: collects the text, and reads it on a thread of its own.
// @unchecked: everything belongs to the event loop until the thread has it.
final class SessionImport: ServerCallHandler, @unchecked Sendable {
  private let sessions: SessionStore
  private let limit: Int
  private let call: ServerCall
  private var text: [UInt8] = []
  private var otherID = ""

  init(sessions: SessionStore, limit: Int, call: ServerCall) {
    self.sessions = sessions
    self.limit = limit
    self.call = call
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let request = try BridgeHost_V1_ImportSessionRequest(request: bytes)
    if text.isEmpty { otherID = request.sessionID }
    guard text.count + request.data.count <= limit else {
      throw RPCError(
        .resourceExhausted, "an imported session may have \(limit) bytes", reason: .limitReached)
    }
    text.append(contentsOf: request.data)
  }

  func requestsEnded() throws(RPCError) {
    guard startThread(named: "session-import", { self.restore() }) else {
      throw SessionExport.noThread
    }
  }

  private func restore() {
    do {
      var image = try SessionDocument.decode(text)
      if !otherID.isEmpty { image.id = otherID }
      let session = try sessions.restore(image)
      try session.waitUntilStored()
      call.respond(
        try BridgeHost_V1_ImportSessionResponse.with {
          $0.sessionID = session.id
          $0.epoch = session.epoch
          $0.revision = image.revision
          $0.variableCount = Int64(image.variables.count)
        }.serializedBytes())
    } catch {
      call.fail(RPCError(mapping: error))
    }
  }
}
