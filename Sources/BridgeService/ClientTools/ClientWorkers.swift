internal import BridgeSessions
internal import GRPC
internal import Threads

/// The workers of clients that have registered tools, by their sessions.
///
/// Thread-safe.
final class ClientWorkers: Sendable {
  /// What one session has.
  private struct Workers {
    /// With the number of tools each has room for.
    var byID: [String: (worker: ClientWorker, tools: Int)] = [:]
    var tools = 0
    var bytes = 0
  }

  private let sessions = Locked<[ObjectIdentifier: Workers]>([:])

  /// Tools of a session that clients serve.
  static let toolLimit = 1000
  /// Bytes of their registrations.
  static let byteLimit = 4 * 1024 * 1024

  /// Makes room for tools of a session, and finds their worker, which is made if there is none.
  ///
  /// - Parameters:
  ///   - bytes: That describe them.
  ///   - client: Whose the worker is, or is to be.
  /// - Throws: PERMISSION_DENIED where it is somebody else's; RESOURCE_EXHAUSTED.
  func reserve(
    _ tools: Int, bytes: Int, for id: String, of session: Session, by client: UInt64
  ) throws(RPCError) -> ClientWorker {
    let key = ObjectIdentifier(session)
    let (worker, isNew) = try sessions.withLock {
      (sessions) throws(RPCError) -> (ClientWorker, Bool) in
      let isNew = sessions[key] == nil
      var workers = sessions[key] ?? Workers()
      var entry =
        workers.byID[id] ?? (ClientWorker(id, session: session.id, client: client), 0)
      try entry.worker.check(client)
      entry.tools += tools
      workers.tools += tools
      workers.bytes += bytes
      try Self.check(workers.tools, Self.toolLimit, "tools of clients")
      try Self.check(workers.bytes, Self.byteLimit, "bytes of registrations of tools")
      workers.byID[id] = entry
      sessions[key] = workers
      return (entry.worker, isNew)
    }
    if isNew {
      // The key is the session's for as long as that lives.
      session.whenEnded { [weak self] _ in
        let workers = self?.sessions.withLock { $0.removeValue(forKey: key) }
        guard let workers else { return }
        for entry in workers.byID.values { entry.worker.end() }
      }
    }
    return worker
  }

  private static func check(_ count: Int, _ limit: Int, _ what: String) throws(RPCError) {
    guard count > limit else { return }
    throw RPCError(
      .resourceExhausted, "a session has \(limit) \(what) at most", reason: .limitReached,
      metadata: ["limit": "\(limit)"])
  }

  /// Takes room back: the tools were not registered.
  func giveBack(_ tools: Int, bytes: Int, of worker: ClientWorker, in session: Session) {
    sessions.withLock { sessions in
      let key = ObjectIdentifier(session)
      sessions[key]?.tools -= tools
      sessions[key]?.bytes -= bytes
      // A worker without tools is none.
      sessions[key]?.byID[worker.id]?.tools -= tools
      if sessions[key]?.byID[worker.id]?.tools == 0 { sessions[key]?.byID[worker.id] = nil }
    }
  }

  /// A worker that has registered tools.
  ///
  /// - Throws: NOT_FOUND; PERMISSION_DENIED where it is somebody else's.
  func existing(
    _ id: String, of session: Session, for client: UInt64
  ) throws(RPCError) -> ClientWorker {
    let key = ObjectIdentifier(session)
    guard let worker = sessions.withLock({ $0[key]?.byID[id]?.worker }) else {
      throw RPCError(
        .notFound, "worker \"\(id)\" has registered no tools in session \(session.id)",
        reason: .workerNotFound)
    }
    try worker.check(client)
    return worker
  }
}
