internal import GRPC
internal import Threads

/// Which services of a server can take calls: what `HealthService` tells clients.
///
/// Thread-safe. The server as a whole has the empty name; a service without a status is unknown.
public final class HealthStatus: Sendable {
  /// What a service is said to be. One without a status is unknown.
  public enum Status: Sendable, Hashable {
    /// It takes calls.
    case serving
    /// It is there, and clients should turn to another server for now.
    case notServing
  }

  private struct State {
    var statuses: [String: Status] = [:]
    var isDraining = false
    var watches: [ObjectIdentifier: (service: String, call: ServerCall)] = [:]
  }

  private let state = Locked(State())

  /// Makes one that knows no service, the server as a whole included: `set` makes them known.
  public init() {}

  /// The status of a service; nil when it is unknown.
  public func status(of service: String) -> Status? {
    state.withLock { $0.statuses[service] }
  }

  /// The status of every known service.
  public var all: [String: Status] { state.withLock { $0.statuses } }

  /// Sets the status of a service and tells those who watch it. Nothing serves again after `drain`.
  public func set(_ status: Status, for service: String = "") {
    change(service) { $0.statuses[service] = $0.isDraining ? .notServing : status }
  }

  /// Makes a service unknown and tells those who watch it.
  public func remove(_ service: String) {
    change(service) { $0.statuses[service] = nil }
  }

  /// Sets every service to NOT_SERVING, for good: the server is about to stop.
  ///
  /// Watches are told, and then end with UNAVAILABLE: they would keep a shutdown waiting.
  public func drain() {
    let calls = state.withLock { state in
      state.isDraining = true
      for service in state.statuses.keys { state.statuses[service] = .notServing }
      return state.watches.values.map(\.call)
    }
    for call in calls { call.wake() }
  }

  private func change(_ service: String, _ body: (inout State) -> Void) {
    let calls = state.withLock { state in
      body(&state)
      return state.watches.values.compactMap { $0.service == service ? $0.call : nil }
    }
    for call in calls { call.wake() }
  }

  // MARK: Watches

  /// Wakes `call` whenever `service` changes, until `removeWatch`.
  func addWatch(_ call: ServerCall, of service: String) {
    state.withLock { $0.watches[ObjectIdentifier(call)] = (service, call) }
  }

  func removeWatch(_ call: ServerCall) {
    state.withLock { $0.watches[ObjectIdentifier(call)] = nil }
  }

  /// What a watch has to tell now, and whether that is the last.
  func observation(of service: String) -> (status: Status?, isLast: Bool) {
    state.withLock { ($0.statuses[service], $0.isDraining) }
  }
}
