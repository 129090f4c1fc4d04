import BridgeCluster
import BridgeService
public import BridgeSessions
public import BridgeTools
import GRPC
import Logging
import NIOCore
import Threads

/// Puts sessions of this process behind a gRPC server, as if another host held them.
public final class RemoteSessions: Sendable {
  /// Finds one session.
  private struct OneSession: SessionDirectory {
    let session: Session

    func locate(_ id: String, create: Bool, client: UInt64?) throws -> SessionLocation {
      guard id == session.id else {
        throw SessionError(.sessionNotFound, "Session not found: \(id)")
      }
      return .here(session)
    }

    func otherHost(of id: String) -> String? { nil }
  }

  private struct Place {
    let session: Session
    let server: GRPCServer
    let host: SessionHost
  }

  private let places = Locked<[ObjectIdentifier: Place]>([:])

  public init() {}

  deinit {
    for place in places.withLock({ $0.values.map(\.server) }) { place.shutDown(grace: .zero) }
  }

  /// The session as another host's.
  public func place(_ session: Session) -> any ToolSession {
    let host = places.withLock { places in
      if let place = places[ObjectIdentifier(session)] { return place.host }
      let logger = Logger(label: "remote") { _ in SwiftLogNoOpLogHandler() }
      let service = BridgeService(
        sessions: SessionStore(), directory: OneSession(session: session),
        tools: ToolHost(logger: logger), logger: logger)
      let server = GRPCServer(
        methods: service.methods + Transactions(service).methods, eventLoops: 1,
        errorDetails: BridgeService.errorDetails(of:), logger: logger)
      guard
        let address = try? server.listen(
          on: .tcp(host: "127.0.0.1", port: 0), security: .plaintext)
      else { preconditionFailure("there is no port for a server") }
      var configuration = ClientConfiguration()
      configuration.messageSize = 64 * 1024 * 1024
      let client = GRPCClient(target: address, configuration: configuration)
      let host = SessionHost(client, at: address, createsSessions: false)
      places[ObjectIdentifier(session)] = Place(session: session, server: server, host: host)
      return host
    }
    return host.toolSession(session.id)
  }
}
