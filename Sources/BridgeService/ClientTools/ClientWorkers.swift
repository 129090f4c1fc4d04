internal import BridgeSessions
internal import GRPC
internal import Threads

/// The workers of clients that have registered tools, by their sessions.
///
/// Thread-safe.
final class ClientWorkers: Sendable {
  private struct Key: Hashable {
    let session: ObjectIdentifier
    let worker: String
  }

  private let workers = Locked<[Key: ClientWorker]>([:])

  /// Workers of a session, and tools that a worker registers at once.
  static let limit = 1000

  /// A worker of a session, which is made if there is none.
  ///
  /// - Parameter client: Whose it then is.
  /// - Throws: PERMISSION_DENIED where it is somebody else's; RESOURCE_EXHAUSTED.
  func worker(
    _ id: String, of session: Session, for client: UInt64
  ) throws(RPCError) -> ClientWorker {
    let key = Key(session: ObjectIdentifier(session), worker: id)
    let (worker, isNew) = try workers.withLock { workers throws(RPCError) -> (ClientWorker, Bool) in
      if let worker = workers[key] { return (worker, false) }
      guard workers.keys.count(where: { $0.session == key.session }) < Self.limit else {
        throw RPCError(
          .resourceExhausted, "a session has \(Self.limit) workers at most", reason: .limitReached,
          metadata: ["limit": "\(Self.limit)"])
      }
      let worker = ClientWorker(id, session: session.id, client: client)
      workers[key] = worker
      return (worker, true)
    }
    if isNew {
      // The worker's key is the session's for as long as that lives.
      session.whenEnded { [weak self] _ in
        self?.workers.withLock { $0.removeValue(forKey: key) }?.end()
      }
    }
    try worker.check(client)
    return worker
  }

  /// A worker that has registered tools.
  ///
  /// - Throws: NOT_FOUND; PERMISSION_DENIED where it is somebody else's.
  func existing(
    _ id: String, of session: Session, for client: UInt64
  ) throws(RPCError) -> ClientWorker {
    let key = Key(session: ObjectIdentifier(session), worker: id)
    guard let worker = workers.withLock({ $0[key] }) else {
      throw RPCError(
        .notFound, "worker \"\(id)\" has registered no tools in session \(session.id)",
        reason: .workerNotFound)
    }
    try worker.check(client)
    return worker
  }
}
