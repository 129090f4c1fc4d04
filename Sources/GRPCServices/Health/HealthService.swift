public import GRPC

/// `grpc.health.v1.Health`: tells clients and load balancers what a `HealthStatus` says.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
public struct HealthService: Sendable {
  /// The service's full name.
  public static let name = "grpc.health.v1.Health"

  private let status: HealthStatus

  /// A request holds nothing but a name.
  private static let requestLimit = 16 * 1024

  public init(_ status: HealthStatus) { self.status = status }

  public var methods: [RPCMethod] {
    let status = status
    let methods: [RPCMethod] = [
      .unary("/\(Self.name)/Check") {
        (request: Grpc_Health_V1_HealthCheckRequest, _) throws(RPCError) in
        guard let found = status.status(of: request.service) else {
          throw RPCError(.notFound, "unknown service \"\(request.service)\"")
        }
        return Grpc_Health_V1_HealthCheckResponse(found)
      },
      .unary("/\(Self.name)/List") { (_: Grpc_Health_V1_HealthListRequest, _) in
        Grpc_Health_V1_HealthListResponse.with {
          $0.statuses = status.all.mapValues { Grpc_Health_V1_HealthCheckResponse($0) }
        }
      },
      .oneRequest("/\(Self.name)/Watch") { HealthWatch(status: status, call: $0) },
    ]
    return methods.map { $0.limitingRequests(to: Self.requestLimit) }
  }
}

extension Grpc_Health_V1_HealthCheckResponse {
  /// - Parameter status: nil for an unknown service.
  init(_ status: HealthStatus.Status?) {
    self.init()
    self.status =
      switch status {
      case .serving: .serving
      case .notServing: .notServing
      case nil: .serviceUnknown
      }
  }
}
