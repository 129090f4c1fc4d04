package import GRPCProtobuf

/// The methods of `grpc.health.v1.Health`.
package enum HealthMethods {
  /// The service's full name.
  package static let service = "grpc.health.v1.Health"

  /// Tells the status of a service; NOT_FOUND for one that is unknown.
  package static let check = ProtobufMethod<
    Grpc_Health_V1_HealthCheckRequest, Grpc_Health_V1_HealthCheckResponse
  >(service, "Check")
  /// Tells the status of every service.
  package static let list = ProtobufMethod<
    Grpc_Health_V1_HealthListRequest, Grpc_Health_V1_HealthListResponse
  >(service, "List")
  /// Tells the status of a service, and again whenever it changes.
  package static let watch = ProtobufMethod<
    Grpc_Health_V1_HealthCheckRequest, Grpc_Health_V1_HealthCheckResponse
  >(service, "Watch", .serverStream)

  /// All of them.
  package static let all: [MethodSignature] = [check.signature, list.signature, watch.signature]
}
