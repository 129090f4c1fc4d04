public import GRPC
internal import GRPCProtobuf

/// `grpc.health.v1.Health`: tells clients and load balancers what a `HealthStatus` says.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
public struct HealthService: Sendable {
  /// The service's full name.
  public static let name = HealthMethods.service

  private let status: HealthStatus

  /// A request holds nothing but a name. Clients that have not shown who they are may send it.
  private static let requestLimit = 1024

  /// - Parameter status: What to tell. The program goes on changing it.
  public init(_ status: HealthStatus) { self.status = status }

  /// Check, List and Watch, for the methods of a `GRPCServer`.
  public var methods: [RPCMethod] {
    let status = status
    let methods: [RPCMethod] = [
      .unary(HealthMethods.check) { request, _ throws(RPCError) in
        guard let found = status.status(of: request.service) else {
          throw RPCError(.notFound, "unknown service \"\(request.service)\"")
        }
        return Grpc_Health_V1_HealthCheckResponse(found)
      },
      .unary(HealthMethods.list) { _, _ in
        Grpc_Health_V1_HealthListResponse.with {
          $0.statuses = status.all.mapValues { Grpc_Health_V1_HealthCheckResponse($0) }
        }
      },
      .oneRequest(HealthMethods.watch.path) { HealthWatch(status: status, call: $0) },
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
