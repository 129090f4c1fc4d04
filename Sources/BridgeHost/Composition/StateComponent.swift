internal import BridgeSessions
internal import BridgeStorage
internal import Logging

/// The state directory, if there is one.
final class StateComponent: HostComponent {
  let name = "state"
  /// What was opened; nil without a directory.
  private(set) var storage: Journal?
  private let open: () throws -> Journal?

  init(open: @escaping () throws -> Journal?) { self.open = open }

  func start() throws { storage = try open() }

  /// Writes what is still to be written.
  func stop() { storage?.stop() }
}

/// The sessions, with what the state directory keeps of them.
final class SessionsComponent: HostComponent {
  let name = "sessions"
  let sessions: SessionStore
  private let storage: Journal?
  private let logger: Logger

  /// - Parameter form: See `SessionStore`.
  init(limits: SessionLimits, storage: Journal?, form: WireForm, logger: Logger) {
    sessions = SessionStore(limits: limits, journal: storage, form: form)
    self.storage = storage
    self.logger = logger
  }

  func start() throws {
    guard let storage else { return }
    let counts = try storage.restore(into: sessions)
    logger.info(
      "state restored",
      metadata: ["sessions": "\(counts.sessions)", "variables": "\(counts.variables)"])
  }
}
