import BridgeService
import BridgeSessions
import GRPC
import GRPCServices

extension Serve {
  /// Everything the server answers: the bridge, its health, and what it is made of.
  func methods(
    of service: BridgeService, _ sessions: SessionStore, health: HealthStatus
  ) -> [RPCMethod] {
    var methods =
      service.methods + SessionAdmin(sessions: sessions).methods + HealthService(health).methods
    if reflection {
      methods +=
        ReflectionService(
          services: [BridgeService.name, SessionAdmin.name, HealthService.name]
        ) {
          [BridgeService.descriptorSet]
        }.methods
    }
    return methods
  }

  /// The health of a host that serves.
  static func makeHealth() -> HealthStatus {
    let health = HealthStatus()
    health.set(.serving)
    health.set(.serving, for: BridgeService.name)
    return health
  }
}
