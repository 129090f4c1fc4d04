internal import BridgeProtocol
public import BridgeSessions
public import BridgeTools
internal import GRPC
internal import Logging
internal import NIOCore
internal import SwiftProtobuf
internal import Threads

/// The sessions of a worker, as far as Elixir's server has to do with them: it is told of each one, of the
/// tools here, and asked for its own tools.
///
/// Elixir is slow or gone at times, and calls here go on: nothing waits for it longer than `patience`.
/// Thread-safe.
public final class ElixirSessions: SessionPeer {
  let connection: ElixirConnection
  /// The id that tools are registered under; nil registers none.
  private let worker: String?
  private let parts = Locked<Parts?>(nil)
  private let entries = Locked<[String: Entry]>([:])

  /// What there is only after this.
  private struct Parts {
    let sessions: SessionStore
    let tools: ToolHost
    let watch: ToolRegistry.Watch
  }

  /// What is known of one session.
  private struct Entry {
    /// Whether calls may begin.
    var isReady = false
    /// Those that wait for that, or for the next look at Elixir's tools.
    var waiting: [@Sendable () -> Void] = []
    /// Whether Elixir has not heard of the session yet, or has forgotten it.
    var isUnknownThere = true
    var isBusy = false
    /// Whether something has changed since it is busy.
    var mustAskAgain = false
    /// Of the session here that this is about; another one may take its id.
    var epoch = ""
    /// When Elixir was asked last.
    var askedAt: Int64 = .min
    /// Names of tools that were registered there.
    var registered: Set<String> = []
    /// What Elixir has answered last.
    var exposed: [Snakepit_Bridge_ToolSpec] = []
    var isHeartbeatUnderWay = false
  }

  /// Nanoseconds in which Elixir is asked once for the same.
  private static let lookInterval: Int64 = 100_000_000
  /// How long each question to Elixir may take that calls wait for.
  private static let patience = TimeAmount.seconds(2)

  /// - Parameter worker: The worker's id in the pool; nil registers no tools.
  public init(_ connection: ElixirConnection, worker: String?) {
    self.connection = connection
    self.worker = worker
  }

  /// Joins this to the sessions and tools that it is for, before the first call.
  public func attach(_ sessions: SessionStore, _ tools: ToolHost) {
    let watch = tools.registry.watch { [weak self] in self?.toolsChanged() }
    parts.withLock { $0 = Parts(sessions: sessions, tools: tools, watch: watch) }
  }

  /// Those that Elixir has heard of.
  var ids: [String] { entries.withLock { $0.filter { !$0.value.isUnknownThere }.map(\.key) } }

  // MARK: As a peer

  /// Asks Elixir in passing where it was not there before.
  public func isReady(_ session: String) -> Bool {
    let (isReady, mustAsk) = entries.withLock { entries -> (Bool, Bool) in
      guard let entry = entries[session], entry.isReady else { return (false, false) }
      return (true, entry.isUnknownThere && Self.isDue(entry))
    }
    // Elixir was not there when it was asked; nobody waits for the next time.
    if mustAsk { begin(session) }
    return isReady
  }

  /// Tells Elixir of the session and asks for its tools.
  public func prepare(_ session: String, _ done: @escaping @Sendable () -> Void) {
    begin(session, done)
  }

  /// Asks Elixir for its tools.
  public func lookAgain(_ session: String, _ done: @escaping @Sendable () -> Void) -> Bool {
    let mayLook = entries.withLock { entries -> Bool in
      guard let entry = entries[session] else { return true }
      return entry.isBusy || Self.isDue(entry)
    }
    if mayLook { begin(session, done) }
    return mayLook
  }

  private static func isDue(_ entry: Entry) -> Bool {
    entry.askedAt == .min || MonotonicClock.now - entry.askedAt >= lookInterval
  }

  /// Hands the request on, and asks for the tools.
  public func initialize(
    _ session: String, request: [UInt8], _ done: @escaping @Sendable () -> Void
  ) {
    Task {
      do throws(RPCError) {
        _ = try await connection.forward(
          BridgeMethods.initializeSession.path, request, timeout: Self.patience)
        entries.withLock { $0[session, default: Entry()].isUnknownThere = false }
      } catch {
        log("Elixir's server was not told of a session", session, error)
      }
      begin(session, done)
    }
  }

  /// Hands the request on.
  public func end(_ session: String, request: [UInt8], _ done: @escaping @Sendable () -> Void) {
    forget(session, epoch: nil)
    Task {
      do throws(RPCError) {
        _ = try await connection.forward(
          BridgeMethods.cleanupSession.path, request, timeout: Self.patience)
      } catch {
        log("Elixir's server was not told of the end of a session", session, error)
      }
      done()
    }
  }

  /// Hands it on, one at a time of each session; nobody waits for the answer.
  public func heartbeat(_ session: String) {
    let mustSend = entries.withLock { entries -> Bool in
      guard let entry = entries[session], !entry.isUnknownThere, !entry.isHeartbeatUnderWay else {
        return false
      }
      entries[session]?.isHeartbeatUnderWay = true
      return true
    }
    guard mustSend else { return }
    Task {
      let request = Snakepit_Bridge_HeartbeatRequest.with { $0.sessionID = session }
      let answer = try? await connection.call(
        BridgeMethods.heartbeat, request, timeout: ElixirConnection.usualTimeout)
      entries.withLock { $0[session]?.isHeartbeatUnderWay = false }
      if answer?.sessionValid == false { isUnknown(session) }
    }
  }

  // MARK: What changes

  /// Elixir has said that it does not have a session: it is told again when the session is used.
  func isUnknown(_ session: String) {
    entries.withLock { entries in
      entries[session]?.isUnknownThere = true
      entries[session]?.registered = []
    }
  }

  /// A session is over here. Calls that wait for it begin, and find what they find.
  ///
  /// - Parameter epoch: Of that session; nil for whatever there is.
  private func forget(_ session: String, epoch: String?) {
    let entry = entries.withLock { entries -> Entry? in
      if let epoch, entries[session]?.epoch != epoch { return nil }
      return entries.removeValue(forKey: session)
    }
    for done in entry?.waiting ?? [] { done() }
  }

  private func toolsChanged() {
    let sessions = entries.withLock { Array($0.keys) }
    for session in sessions { begin(session) }
  }

  // MARK: Asking

  /// Asks Elixir about a session, unless it is being asked.
  private func begin(_ session: String, _ done: (@Sendable () -> Void)? = nil) {
    let mustAsk = entries.withLock { entries -> Bool in
      var entry = entries[session] ?? Entry()
      defer { entries[session] = entry }
      if let done { entry.waiting.append(done) }
      entry.mustAskAgain = entry.isBusy
      if entry.isBusy { return false }
      entry.isBusy = true
      entry.askedAt = MonotonicClock.now
      return true
    }
    if mustAsk { Task { await ask(session) } }
  }

  private func ask(_ session: String) async {
    // The session is made here first: what cannot be one here is none of Elixir's business.
    guard let local = open(session) else { return forget(session, epoch: nil) }
    do throws(RPCError) {
      try await introduce(session)
      try await fetchTools(of: local)
    } catch {
      log("Elixir's server was not asked for its tools", session, error)
    }
    // What is registered there nobody here waits for.
    let waiting = entries.withLock { entries -> [@Sendable () -> Void] in
      entries[session]?.isReady = true
      defer { entries[session]?.waiting = [] }
      return entries[session]?.waiting ?? []
    }
    for done in waiting { done() }
    await register(session)
    let isMissed = entries.withLock { entries -> Bool in
      guard var entry = entries[session] else { return false }
      defer { entries[session] = entry }
      entry.isBusy = false
      return !entry.waiting.isEmpty || entry.mustAskAgain
    }
    if isMissed { begin(session) }
  }

  /// The session here, which is made if there is none.
  private func open(_ session: String) -> Session? {
    guard let parts = parts.withLock({ $0 }),
      let local = try? parts.sessions.session(session, create: true)
    else { return nil }
    let isNew = entries.withLock { entries -> Bool in
      defer { entries[session]?.epoch = local.epoch }
      return entries[session].map { $0.epoch != local.epoch } ?? false
    }
    if isNew {
      local.whenEnded { [weak self] _ in self?.forget(session, epoch: local.epoch) }
    }
    return local
  }

  /// Tells Elixir of a session that is used here; that it has one already is no error there.
  private func introduce(_ session: String) async throws(RPCError) {
    guard entries.withLock({ $0[session]?.isUnknownThere == true }) else { return }
    let request = Snakepit_Bridge_InitializeSessionRequest.with { $0.sessionID = session }
    do throws(RPCError) {
      _ = try await connection.call(
        BridgeMethods.initializeSession, request, timeout: Self.patience)
    } catch {
      guard error.code == .alreadyExists else { throw error }
    }
    entries.withLock { $0[session]?.isUnknownThere = false }
  }

  private func fetchTools(of local: Session) async throws(RPCError) {
    let session = local.id
    let request = Snakepit_Bridge_GetExposedElixirToolsRequest.with { $0.sessionID = session }
    let exposed = try await connection.call(
      BridgeMethods.getExposedElixirTools, request, timeout: Self.patience
    ).tools
    guard let parts = parts.withLock({ $0 }) else { return }
    let isNews = entries.withLock { entries -> Bool in
      defer { entries[session]?.exposed = exposed }
      return entries[session].map { $0.exposed != exposed } ?? false
    }
    let catalog = parts.tools.registry.catalog
    let own = parts.tools.sessionTools.catalog(of: session)
    // A plugin that has come since may have taken a name.
    let isShadowed = exposed.contains { catalog[$0.name] != nil && own?[$0.name] != nil }
    guard isNews || isShadowed else { return }
    expose(exposed, to: local, parts)
  }

  /// Registers tools of Elixir for a session here. Those whose names are taken here are left out.
  private func expose(
    _ specs: [Snakepit_Bridge_ToolSpec], to local: Session, _ parts: Parts
  ) {
    var descriptions: [ToolDescription] = []
    var names: Set<String> = []
    for spec in specs where names.insert(spec.name).inserted {
      guard let description = ToolDescription(elixir: spec) else {
        connection.logger.warning(
          "a tool of Elixir is left out: its name is none here",
          metadata: ["tool": "\(spec.name.prefix(200))"])
        continue
      }
      descriptions.append(description)
    }
    while true {
      do throws(ToolsError) {
        return try parts.tools.register(ElixirTools(descriptions, connection), in: local)
      } catch {
        let name = error.details["tool"]
        let count = descriptions.count
        descriptions.removeAll { $0.name == name }
        guard error.code == .nameTaken, descriptions.count < count else {
          return log("tools of Elixir could not be registered", local.id, error)
        }
        connection.logger.info(
          "a tool of Elixir is left out: a tool here has its name",
          metadata: ["tool": "\(name ?? "")", "session": "\(local.id)"])
      }
    }
  }

  // MARK: Telling of the tools here

  private func register(_ session: String) async {
    guard let worker, let parts = parts.withLock({ $0 }) else { return }
    let known = entries.withLock { entries -> Set<String>? in
      guard let entry = entries[session], !entry.isUnknownThere else { return nil }
      return entry.registered
    }
    guard let known else { return }
    let new = parts.tools.registry.catalog.descriptions.filter { !known.contains($0.name) }
    guard !new.isEmpty else { return }
    do throws(RPCError) {
      let registrations = new.map { Snakepit_Bridge_ToolRegistration($0) }
      let refusal = try await register(registrations, session, worker)
      guard let refusal else {
        return note(new.map(\.name), registeredIn: session)
      }
      // One of them is refused, and the others with it.
      connection.logger.debug(
        "tools are registered one by one", metadata: ["refusal": "\(refusal)"])
      for registration in registrations {
        if let refusal = try await register([registration], session, worker) {
          guard refusal.contains("duplicate_tool") else {
            connection.logger.warning(
              "Elixir's server has refused a tool",
              metadata: [
                "tool": "\(registration.name)", "session": "\(session)", "worker": "\(worker)",
                "refusal": "\(refusal)",
              ])
            continue
          }
        }
        note([registration.name], registeredIn: session)
      }
    } catch {
      log("Elixir's server was not told of tools", session, error)
    }
  }

  /// - Returns: Why Elixir has refused; nil when it has not.
  private func register(
    _ tools: [Snakepit_Bridge_ToolRegistration], _ session: String, _ worker: String
  ) async throws(RPCError) -> String? {
    let request = Snakepit_Bridge_RegisterToolsRequest.with {
      $0.sessionID = session
      $0.workerID = worker
      $0.tools = tools
    }
    let answer = try await connection.call(
      BridgeMethods.registerTools, request, timeout: ElixirConnection.usualTimeout)
    return answer.success ? nil : answer.errorMessage
  }

  private func note(_ names: [String], registeredIn session: String) {
    entries.withLock { $0[session]?.registered.formUnion(names) }
  }

  private func log(_ message: Logger.Message, _ session: String, _ error: any Error) {
    connection.logger.warning(
      message,
      metadata: [
        "session": "\(session)", "error": "\((error as? RPCError)?.message ?? "\(error)")",
      ])
  }
}
