import ConformanceSupport
import GRPC
import GRPCProtobuf
import GRPCServices

/// `grpc.testing.XdsUpdateHealthService`, and the health it controls: that of TestService, which is
/// unknown at first, and that of the server as a whole.
enum HealthControl {
  static var methods: [RPCMethod] {
    let health = HealthStatus()
    health.set(.serving)
    return HealthService(health).methods + [
      setter("SetServing", health, to: .serving),
      setter("SetNotServing", health, to: .notServing),
    ]
  }

  private static func setter(
    _ name: String, _ health: HealthStatus, to status: HealthStatus.Status
  ) -> RPCMethod {
    let method = ProtobufMethod<Grpc_Testing_Empty, Grpc_Testing_Empty>(
      "grpc.testing.XdsUpdateHealthService", name)
    return .unary(method) { _, _ throws(RPCError) in
      health.set(status)
      health.set(status, for: "grpc.testing.TestService")
      return Grpc_Testing_Empty()
    }
  }
}
