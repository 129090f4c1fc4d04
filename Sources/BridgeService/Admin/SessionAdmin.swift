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
  private let transfer: SessionTransfer

  /// Serves a store of sessions.
  public init(sessions: SessionStore) {
    self.sessions = sessions
    transfer = SessionTransfer(sessions)
  }

  /// Its methods, for a `GRPCServer`.
  public var methods: [RPCMethod] {
    let (sessions, transfer) = (sessions, transfer)
    return [
      .unary(SessionAdminMethods.getStatistics) { _, _ in Self.statistics(sessions) },
      .unary(SessionAdminMethods.listSessions) { request, _ throws(RPCError) in
        try mappingErrors { try Self.list(request, sessions) }
      },
      .serverStream(SessionAdminMethods.exportSession) { request, responses, _ in
        try await transfer.export(request, responses)
      },
      .clientStream(SessionAdminMethods.importSession) { requests, _ in
        try await transfer.import(requests)
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
    guard NameRules.isHashable(request.afterSessionID, length: sessions.limits.nameLength) else {
      throw SessionError(.invalidArgument, "after_session_id is no session's id")
    }
    let pattern = request.pattern.isEmpty ? nil : Wildcard(request.pattern)
    let size = request.pageSize == 0 ? 1000 : Int(request.pageSize)
    var page = SmallestElements<Session>(count: size) { $0.id < $1.id }
    for session in sessions.sessions
    where session.id > request.afterSessionID && pattern?.matches(session.id) != false {
      page.add(session)
    }
    return .with {
      $0.sessions = page.sorted.map { session in
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
