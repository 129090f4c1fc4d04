internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import GRPC
internal import GRPCProtobuf
internal import Threads

/// A tool's subscription to a session of another host: a WatchVariables stream that is opened again where it
/// was when the connection is lost, so that no change is missing and none comes twice.
///
/// Changes are delivered on the callback threads, in order.
// @unchecked: `state` is guarded by the lock.
final class RemoteSubscription: VariableSubscription, Sendable {
  private let session: RemoteSession
  private let identifiers: [String]
  private let wantsInitial: Bool
  private let threads: ToolThreads
  private let deliver: @Sendable ([VariableChange]) -> VariableDelivery
  private let state = Locked(State())

  private struct State {
    var task: Task<Void, Never>?
    var isOver = false
    var isResumed = false
    /// The task, while it waits for `resume`.
    var paused: CheckedContinuation<Void, Never>?
  }

  /// The pauses between attempts to go on, in nanoseconds.
  private static let shortestPause: UInt64 = 50_000_000
  private static let longestPause: UInt64 = 2_000_000_000

  init(
    _ session: RemoteSession, _ identifiers: [String], initial: Bool, threads: ToolThreads,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) {
    self.session = session
    self.identifiers = identifiers
    wantsInitial = initial
    self.threads = threads
    self.deliver = deliver
  }

  // MARK: Beginning and ending

  /// Subscribes, and waits until the other host has: what is changed from then on is delivered.
  ///
  /// - Throws: `SessionError`.
  func start() throws {
    do throws(RPCError) {
      let (updates, position) = try blocking(on: session.host.tasks) {
        [self] () async throws(RPCError) in
        try await open(try await firstRequest())
      }
      run(from: (updates, position))
    } catch {
      throw SessionError(error, from: session.host)
    }
  }

  /// Subscribes as soon as it can.
  func begin() { run(from: nil) }

  private func run(from first: (Updates, WatchPosition)?) {
    state.withLock { state in
      if state.isOver { return }
      state.task = Task.detached(executorPreference: session.host.tasks) { [self] in
        await follow(first)
      }
    }
  }

  func cancel() {
    let (task, paused) = state.withLock { state in
      state.isOver = true
      defer { state.paused = nil }
      return (state.task, state.paused)
    }
    task?.cancel()
    paused?.resume()
  }

  func resume() {
    let paused = state.withLock { state in
      if state.paused == nil { state.isResumed = true }
      defer { state.paused = nil }
      return state.paused
    }
    paused?.resume()
  }

  private func waitForResume() async {
    await withCheckedContinuation { continuation in
      let goesOn = state.withLock { state in
        defer { state.isResumed = false }
        if state.isOver || state.isResumed { return true }
        state.paused = continuation
        return false
      }
      if goesOn { continuation.resume() }
    }
  }

  // MARK: Streams

  private typealias Updates = ResponseMessages<Snakepit_Bridge_VariableUpdate>

  /// Without present values it begins after a revision that is known: a stream that breaks before it has
  /// said anything goes on from there.
  private func firstRequest() async throws(RPCError) -> Snakepit_Bridge_WatchVariablesRequest {
    var request = Snakepit_Bridge_WatchVariablesRequest()
    request.sessionID = session.id
    request.variableIdentifiers = identifiers
    if wantsInitial {
      request.includeInitialValues = true
      request.includeSynced = true
    } else {
      let question = Snakepit_Bridge_GetSessionRequest.with { $0.sessionID = session.id }
      let options = session.host.options(timeout: 10_000_000_000)
      let answer = try await session.host.client.unary(
        BridgeMethods.getSession, question, options: options
      ).message
      request.startRevision = answer.revision
      request.epoch = answer.epoch
    }
    return request
  }

  /// Opens a stream, and waits until the host has the watch.
  private func open(
    _ request: Snakepit_Bridge_WatchVariablesRequest
  ) async throws(RPCError) -> (Updates, WatchPosition) {
    let options = session.host.options(timeout: nil)
    let updates = try session.host.client.serverStream(
      BridgeMethods.watchVariables, request, options: options)
    _ = try await updates.metadata
    return (updates, WatchPosition(request))
  }

  private func follow(_ first: (Updates, WatchPosition)?) async {
    var stream = first
    var position = first?.1
    var initial = InitialValues()
    var pause = Self.shortestPause
    while !state.withLock(\.isOver) {
      do throws(RPCError) {
        if stream == nil {
          let request: Snakepit_Bridge_WatchVariablesRequest
          if let continuation = position?.continuation {
            request = continuation
          } else {
            request = try await firstRequest()
            initial.beginAgain()
          }
          let (updates, new) = try await open(request)
          stream = (updates, new)
          position = new
        }
        guard let updates = stream?.0 else { return }
        stream = nil
        for try await update in updates {
          pause = Self.shortestPause
          position?.note(update)
          guard await report(update, &initial) else { return end() }
        }
        // The host ends a stream well after `session_closed` alone.
        return end()
      } catch {
        stream = nil
        if let cause = Self.cause(ofEnd: error) {
          _ = await pass([VariableChange(.ended, revision: 0, cause: cause)])
          return end()
        }
      }
      try? await Task.sleep(nanoseconds: pause)
      pause = min(2 * pause, Self.longestPause)
    }
  }

  private func end() { state.withLock { $0.isOver = true } }

  /// Why a watch cannot go on; nil where it can, later.
  private static func cause(ofEnd error: RPCError) -> String? {
    switch error.code {
    case .unavailable, .deadlineExceeded, .resourceExhausted, .internalError, .unknown, .aborted:
      nil
    case .cancelled: nil
    case .outOfRange: "behind"
    // The session has ended while nobody was told; another one may have its id.
    case .notFound, .failedPrecondition: "cleanup"
    default: "shutdown"
    }
  }

  // MARK: Changes

  /// - Returns: false when nothing more is to come.
  private func report(
    _ update: Snakepit_Bridge_VariableUpdate, _ initial: inout InitialValues
  ) async -> Bool {
    switch update.updateType {
    case "heartbeat": return true
    case "session_closed":
      _ = await pass([VariableChange(.ended, revision: update.revision, cause: update.cause)])
      return false
    case "synced":
      var changes = initial.missing.map {
        VariableChange(.deleted, revision: update.revision, variable: $0)
      }
      changes.append(VariableChange(.synced, revision: update.revision))
      initial = InitialValues()
      return await pass(changes)
    case "initial_value":
      guard let change = VariableChange(update, .initial), let variable = change.variable,
        initial.isNew(variable)
      else { return true }
      return await pass([change])
    case let type:
      guard let kind = VariableChange.Kind(updateType: type),
        let change = VariableChange(update, kind)
      else { return true }
      return await pass([change])
    }
  }

  /// Delivers on a callback thread, and waits while the tool wants nothing more.
  ///
  /// - Returns: false when nothing more is to come.
  private func pass(_ changes: [VariableChange]) async -> Bool {
    let delivery = await withCheckedContinuation { continuation in
      threads.deliver { [self] in
        let isOver = state.withLock(\.isOver)
        continuation.resume(returning: isOver ? .end : deliver(changes))
      }
    }
    switch delivery {
    case .goOn: break
    case .pause: await waitForResume()
    case .end: return false
    }
    return !state.withLock(\.isOver)
  }
}

/// The present values that a watch has delivered, until all have come: a stream that breaks among them begins
/// with them again.
struct InitialValues {
  private var delivered: [String: VariableSnapshot] = [:]
  private var present: Set<String> = []

  /// The stream begins anew.
  mutating func beginAgain() { present = [] }

  /// Whether a value is to be delivered: it was not, in this version.
  mutating func isNew(_ variable: VariableSnapshot) -> Bool {
    present.insert(variable.id)
    if delivered[variable.id]?.version == variable.version { return false }
    delivered[variable.id] = variable
    return true
  }

  /// What was delivered, and has been deleted since.
  var missing: [VariableSnapshot] {
    delivered.values.filter { !present.contains($0.id) }
  }
}

extension VariableChange.Kind {
  fileprivate init?(updateType: String) {
    switch updateType {
    case "value_change", "constraint_change": self = .value
    case "deleted": self = .deleted
    case "dependency_change": self = .dependency
    case "optimization_change": self = .optimization
    // Of a newer host.
    default: return nil
    }
  }
}

extension VariableChange {
  /// - Returns: nil for a variable that this host cannot read.
  fileprivate init?(_ update: Snakepit_Bridge_VariableUpdate, _ kind: Kind) {
    guard let facts = try? VariableFacts(update.variable) else { return nil }
    var previous: VariableSnapshot?
    if update.hasOldValue && kind != .deleted {
      var old = update.variable
      old.value = update.oldValue
      old.binaryValue = update.oldBinaryValue
      old.version = update.oldVersion
      previous = (try? VariableFacts(old)).map { VariableSnapshot($0) }
    }
    self.init(
      kind, revision: update.revision,
      time: kind == .initial ? facts.updatedAt : update.timestamp.nanoseconds,
      variable: VariableSnapshot(facts), previous: previous,
      cause: kind == .dependency ? update.causedBy : kind == .optimization ? update.cause : "")
  }
}
