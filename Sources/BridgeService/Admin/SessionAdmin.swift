internal import BridgeProtocol
public import BridgeSessions
public import GRPC
internal import SwiftProtobuf

/// `bridge_host.v1.SessionAdminService`: counts, lists, exports and imports sessions.
///
/// Thread-safe.
public final class SessionAdmin: Sendable {
  public static let name = "bridge_host.v1.SessionAdminService"

  private let sessions: SessionStore
  /// Bytes a text that is imported may have.
  private let importLimit: Int

  public init(sessions: SessionStore, importLimit: Int = 1 << 30) {
    self.sessions = sessions
    self.importLimit = importLimit
  }

  public var methods: [RPCMethod] {
    let (sessions, importLimit) = (sessions, importLimit)
    return [
      .unary("/\(Self.name)/GetStatistics") { bytes, _ throws(RPCError) in
        let _: BridgeHost_V1_GetStatisticsRequest = try decode(bytes)
        return try mappingErrors { try Self.statistics(sessions).serializedBytes() }
      },
      .unary("/\(Self.name)/ListSessions") { bytes, _ throws(RPCError) in
        let request: BridgeHost_V1_ListSessionsRequest = try decode(bytes)
        return try mappingErrors { try Self.list(request, sessions).serializedBytes() }
      },
      .oneRequest("/\(Self.name)/ExportSession") { SessionExport(sessions: sessions, call: $0) },
      .requestStream("/\(Self.name)/ImportSession") {
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
