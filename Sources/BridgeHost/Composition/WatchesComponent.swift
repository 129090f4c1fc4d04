internal import BridgeService
internal import GRPCServices

/// The open watches of variables, which would keep a shutdown waiting for ever.
final class WatchesComponent: HostComponent {
  let name = "watches"
  private let service: BridgeService

  init(_ service: BridgeService) { self.service = service }

  func start() {}

  func drain() { service.endWatches() }
}

/// What health checks are told.
final class HealthComponent: HostComponent {
  let name = "health"
  private let status: HealthStatus
  private let services: [String]

  /// - Parameter services: The full names of services that serve from now on.
  init(_ status: HealthStatus, services: [String]) {
    self.status = status
    self.services = services
  }

  func start() {
    status.set(.serving)
    for service in services { status.set(.serving, for: service) }
  }

  func drain() { status.drain() }
}
