internal import BridgeProtocol
internal import BridgeSessions
public import BridgeTools
public import GRPC
internal import GRPCProtobuf
internal import NIOCore
internal import SwiftProtobuf
internal import Threads

/// Another host that holds the sessions of this one.
///
/// It connects when it is first asked, and again when the connection is lost. Thread-safe.
public final class SessionHost: ToolSessionSource {
  /// How the host is reached, for messages.
  let address: String
  let client: GRPCClient
  /// Runs what waits for calls.
  let tasks: EventLoopTasks
  /// Of every call.
  let metadata: Metadata
  /// Whether a tool's call makes the session it names.
  let createsSessions: Bool
  private let sessions = Locked<[String: RemoteSession]>([:])

  /// Nanoseconds that a call takes at most.
  private static let timeLimit: Int64 = 10_000_000_000
  /// Sessions that are remembered; which, does not matter.
  private static let sessionLimit = 10_000

  /// - Parameters:
  ///   - client: Connected to the host. What it takes at once is the host's largest message.
  ///   - metadata: Of every call: how this host shows who it is.
  ///   - createsSessions: Whether a tool's call makes the session it names.
  public init(
    _ client: GRPCClient, at address: ServerAddress, metadata: Metadata = Metadata(),
    createsSessions: Bool = true
  ) {
    self.client = client
    tasks = EventLoopTasks(client.eventLoop)
    self.address = "\(address)"
    self.metadata = metadata
    self.createsSessions = createsSessions
  }

  /// The session of an id at that host.
  public func toolSession(_ id: String) -> any ToolSession {
    sessions.withLock { sessions in
      if let session = sessions[id] { return session }
      if sessions.count >= Self.sessionLimit { sessions.remove(at: sessions.startIndex) }
      let session = RemoteSession(id, at: self)
      sessions[id] = session
      return session
    }
  }

  /// Forgets a session that has ended there: another one may take its id.
  func forget(_ session: RemoteSession) {
    sessions.withLock { if $0[session.id] === session { $0[session.id] = nil } }
  }

  /// The options of a call.
  ///
  /// - Parameter timeout: In nanoseconds; nil for a call that goes on.
  func options(timeout: Int64?) -> CallOptions {
    var metadata = metadata
    // Arrays travel as they are in memory.
    metadata.add("raw", for: "accept-binary")
    return CallOptions(
      metadata: metadata, timeout: timeout.map { .nanoseconds($0) })
  }

  /// Makes a call and waits for its answer. On a thread that may be blocked.
  ///
  /// - Parameter deadline: Nanoseconds of `MonotonicClock`, beside the limit that every call has.
  /// - Throws: `SessionError`.
  func call<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, _ request: Request, deadline: Int64?
  ) throws -> Response {
    let left = deadline.map { max(0, $0 - MonotonicClock.now) } ?? .max
    let options = options(timeout: min(left, Self.timeLimit))
    let client = client
    do throws(RPCError) {
      return try blocking(on: tasks) { () async throws(RPCError) in
        try await client.unary(method, request, options: options).message
      }
    } catch {
      throw SessionError(error, from: self)
    }
  }
}
