internal import BridgeProtocol
public import BridgeSessions
public import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf

/// `bridge_host.v1.SessionAdminService`: counts, lists, exports and imports sessions.
///
/// Thread-safe.
public final class SessionAdmin: Sendable {
  /// The service's full name.
  public static let name = SessionAdminMethods.service

  private let sessions: SessionStore
  /// Bytes a text that is imported may have.
  private let importLimit: Int

  /// Serves a store of sessions.
  ///
  /// - Parameter importLimit: Bytes a text that is imported may have.
  public init(sessions: SessionStore, importLimit: Int = 1 << 30) {
    self.sessions = sessions
    self.importLimit = importLimit
  }

  /// Its methods, for a `GRPCServer`.
  public var methods: [RPCMethod] {
    let (sessions, importLimit) = (sessions, importLimit)
    return [
      .unary(SessionAdminMethods.getStatistics) { _, _ in Self.statistics(sessions) },
      .unary(SessionAdminMethods.listSessions) { request, _ throws(RPCError) in
        try mappingErrors { try Self.list(request, sessions) }
      },
      .oneRequest(SessionAdminMethods.exportSession.path) {
        SessionExport(sessions: sessions, call: $0)
      },
      .requestStream(SessionAdminMethods.importSession.path) {
        SessionImport(sessions: sessions, limit: importLimit, call: $0)
      },
    ]
  }

  private static func statistics(_ sessions: SessionStore) -> BridgeHost_V1_GetStatisticsResponse {
    .with {
      for session in sessions.sessions {
        let statistics = session.statistics
        $0.sessions += 1
        $0.variables += Int64(statistics.variables)
        $0.watches += Int64(statistics.watches)
        $0.valueBytes += Int64(statistics.valueBytes)
        $0.historyBytes += Int64(statistics.historyBytes)
        $0.logBytes += Int64(statistics.logBytes)
      }
    }
  }

  private static func list(
    _ request: BridgeHost_V1_ListSessionsRequest, _ sessions: SessionStore
  ) throws -> BridgeHost_V1_ListSessionsResponse {
    guard (0...10_000).contains(request.pageSize) else {
      throw SessionError(
        .invalidArgument, "page_size is \(request.pageSize), it must be from 0 to 10000")
    }
    let pattern = request.pattern.isEmpty ? nil : Wildcard(request.pattern)
    let found = sessions.sessions
      .filter { $0.id > request.afterSessionID && pattern?.matches($0.id) != false }
      .sorted { $0.id < $1.id }
    return .with {
      $0.sessions = found.prefix(request.pageSize == 0 ? 1000 : Int(request.pageSize)).map {
        session in
        let statistics = session.statistics
        return .with {
          $0.sessionID = session.id
          $0.epoch = session.epoch
          $0.revision = statistics.revision
          $0.variableCount = Int64(statistics.variables)
          $0.watchCount = Int64(statistics.watches)
          $0.createdAt = .init(nanoseconds: session.createdAt)
          $0.lastUsedAt = .init(nanoseconds: session.lastUsedAt)
          $0.valueBytes = Int64(statistics.valueBytes)
        }
      }
    }
  }
}
