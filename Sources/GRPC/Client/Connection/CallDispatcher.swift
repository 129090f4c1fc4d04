internal import DequeModule
internal import Logging
internal import NIOCore

/// Gives every call of a client a stream: on the connection that is there, or as soon as one is.
///
/// There is one connection for new calls. When it has as many streams as the server permits, calls
/// wait for their turn, in order. A connection that the server retires keeps its calls to their end,
/// next to a new one.
// @unchecked: what is not constant belongs to the event loop.
final class CallDispatcher: @unchecked Sendable {
  let eventLoop: any EventLoop
  let configuration: ClientConfiguration
  let target: ServerAddress
  let tls: ClientTLS?
  let logger: Logger
  let fields: RequestFields

  var connectivity = Connectivity<ClientConnection>()
  /// The pings' times; servers may slow them down.
  var keepalive: ClientConfiguration.Keepalive?
  /// When the present attempt to connect, if it fails, may be followed by another.
  var nextConnect = NIODeadline.now()
  var handshakeTimer: Scheduled<Void>?
  /// Open connections, with those that take no more calls.
  var connections: [ObjectIdentifier: ClientConnection] = [:]

  /// All calls that are not over.
  private(set) var calls: [ObjectIdentifier: ClientCall] = [:]
  /// Those that have no stream yet, and some that ended before they had one.
  private var waiting: Deque<ClientCall> = []
  private var waitingCount = 0

  private var deadlineTimer: (at: NIODeadline, task: Scheduled<Void>)?
  private var idleTimer: Scheduled<Void>?
  private var idleSince = NIODeadline.now()
  private(set) var life = ClientLife()
  private var shutDownPromise: EventLoopPromise<Void>?

  init(
    target: ServerAddress, tls: ClientTLS?, configuration: ClientConfiguration,
    eventLoop: any EventLoop, logger: Logger
  ) {
    self.target = target
    self.tls = tls
    self.configuration = configuration
    self.keepalive = configuration.keepalive
    self.eventLoop = eventLoop
    self.logger = logger
    self.fields = RequestFields(
      authority: tls?.authority ?? target.authority, scheme: tls == nil ? "http" : "https",
      userAgent: configuration.userAgent)
  }

  // MARK: Calls come and go

  /// Takes a new call.
  func begin(_ call: ClientCall) {
    guard life.takesCalls else {
      return call.stop(RPCError(.unavailable, "the client is shut down"))
    }
    calls[ObjectIdentifier(call)] = call
    if let deadline = call.deadline {
      guard deadline > .now() else { return call.stop(Self.deadlinePassed) }
      armDeadlineTimer(at: deadline)
    }
    place(call)
  }

  /// Finds a stream for the first or a further attempt at a call.
  func place(_ call: ClientCall) {
    guard !call.isOver else { return }
    switch connectivity.phase {
    case .ready(let connection) where !hasWaitingCalls && connection.hasFreeStream:
      if !connection.open(call) { wait(call) }
    case .backingOff(let error) where !call.options.waitsForReady:
      call.connectingFailed(error)
    default:
      wait(call)
    }
  }

  /// Whether a call waits for a stream.
  var hasWaitingCalls: Bool { waitingCount > 0 }

  private func wait(_ call: ClientCall) {
    call.isWaiting = true
    waiting.append(call)
    waitingCount += 1
    connectIfNeeded()
  }

  /// A call waits no longer. It may still stand in the queue: to take it out would cost time for
  /// each call before it.
  private func stopWaiting(_ call: ClientCall) {
    call.isWaiting = false
    waitingCount -= 1
    if waiting.count > 2 * waitingCount + 64 { waiting.removeAll { !$0.isWaiting } }
  }

  private func nextWaiting() -> ClientCall? {
    while let call = waiting.popFirst() {
      guard call.isWaiting else { continue }
      stopWaiting(call)
      return call
    }
    return nil
  }

  /// Gives streams to calls that wait, as far as there are any.
  func serveWaiting() {
    while case .ready(let connection) = connectivity.phase, connection.hasFreeStream,
      let call = nextWaiting()
    {
      if !connection.open(call) { wait(call) }
    }
    connectIfNeeded()
  }

  /// There is no connection to be had: calls that do not wait for one fail.
  func failWaiting(_ error: RPCError) {
    let all = waiting.filter { $0.isWaiting }
    waiting = []
    waitingCount = 0
    for call in all where call.options.waitsForReady {
      waiting.append(call)
      waitingCount += 1
    }
    for call in all where !call.options.waitsForReady {
      call.isWaiting = false
      call.connectingFailed(error)
    }
  }

  func ended(_ call: ClientCall) {
    calls[ObjectIdentifier(call)] = nil
    if call.isWaiting { stopWaiting(call) }
    guard calls.isEmpty else { return }
    idleSince = .now()
    if life.lastCallEnded() {
      closeConnections()
    } else if life.takesCalls, idleTimer == nil {
      armIdleTimer()
    }
  }

  // MARK: Deadlines

  private static let deadlinePassed = RPCError(.deadlineExceeded, "the call's deadline passed")

  /// One timer stands at the earliest deadline; calls that end in time cost nothing.
  private func armDeadlineTimer(at deadline: NIODeadline) {
    if let deadlineTimer {
      if deadlineTimer.at <= deadline { return }
      deadlineTimer.task.cancel()
    }
    deadlineTimer = (
      deadline, eventLoop.scheduleTask(deadline: deadline) { self.endLateCalls() }
    )
  }

  private func endLateCalls() {
    deadlineTimer = nil
    let now = NIODeadline.now()
    var earliest: NIODeadline?
    for call in Array(calls.values) {
      guard let deadline = call.deadline, !call.isOver else { continue }
      if deadline <= now {
        call.stop(whyLate(call))
      } else {
        earliest = min(earliest ?? deadline, deadline)
      }
    }
    if let earliest { armDeadlineTimer(at: earliest) }
  }

  /// A call that never left says what it waited for.
  private func whyLate(_ call: ClientCall) -> RPCError {
    guard call.isWaiting else { return Self.deadlinePassed }
    let reason =
      switch connectivity.phase {
      case .backingOff(let error): error.message
      case .ready: "the server permits no more streams at a time"
      case .idle, .connecting: "there is no connection to \(target) yet"
      }
    return RPCError(.deadlineExceeded, "the call's deadline passed while it waited: \(reason)")
  }

  // MARK: Idleness

  private func armIdleTimer() {
    idleTimer = eventLoop.scheduleTask(deadline: idleSince + configuration.idleTimeout) {
      self.idleTimer = nil
      guard self.calls.isEmpty else { return }
      guard self.idleSince + self.configuration.idleTimeout <= .now() else {
        return self.armIdleTimer()
      }
      self.connectivity.idled()?.shutDown()
    }
  }

  // MARK: The end

  /// Takes no more calls, and closes once those that are open have ended.
  func beginShutDown() {
    if life.shutDown(hasCalls: !calls.isEmpty) { closeConnections() }
  }

  /// As `beginShutDown`; calls that are open after `grace` end with UNAVAILABLE.
  ///
  /// - Parameter done: Succeeds when all is closed.
  func shutDown(grace: TimeAmount, done: EventLoopPromise<Void>) {
    if life.phase == .closed { return done.succeed() }
    if let shutDownPromise {
      shutDownPromise.futureResult.cascade(to: done)
    } else {
      shutDownPromise = done
    }
    eventLoop.scheduleTask(in: grace) {
      for call in Array(self.calls.values) {
        call.stop(RPCError(.unavailable, "the client is shutting down"))
      }
    }
    beginShutDown()
  }

  /// How long a server may keep a connection from closing by not reading.
  private static let closeTimeout = TimeAmount.seconds(1)

  private func closeConnections() {
    idleTimer?.cancel()
    idleTimer = nil
    deadlineTimer?.task.cancel()
    deadlineTimer = nil
    for connection in Array(connections.values) { connection.shutDown() }
    eventLoop.scheduleTask(in: Self.closeTimeout) {
      for connection in Array(self.connections.values) { connection.close() }
    }
    if connections.isEmpty { lastConnectionClosed() }
  }

  func lastConnectionClosed() {
    if life.lastConnectionClosed() { shutDownPromise?.succeed() }
  }
}
