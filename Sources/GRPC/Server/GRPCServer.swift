public import Logging
public import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Threads

/// A gRPC server: listens, spreads connections over event loops, and runs `methods`.
///
/// It has threads and serves from `listen` to `shutDown`, whether or not anybody still holds it: a
/// server that is let go without `shutDown` goes on, and keeps its threads, until the process ends.
///
/// `listen` and `shutDown` come in two forms each: async functions, and functions that block their
/// thread and so must not be called on an event loop. Thread-safe.
public final class GRPCServer: Sendable {
  let group: MultiThreadedEventLoopGroup
  private let methods: MethodTable
  private let limits: ServerLimits
  private let admission: [any CallAdmission]
  /// Whether calls must show who sent them.
  let asksForCredentials: Bool
  private let observer: (any CallObserver)?
  private let errorDetails: (@Sendable (RPCError) -> [UInt8])?
  let logger: Logger
  let places: ConnectionPlaces
  private let budget: HostBudget
  private let loops: [ObjectIdentifier: LoopState]
  let listeners = Locked<[Listener]>([])
  /// What TLS listeners have read; those that have the same files share it.
  let tlsContexts = Locked<[TLSConfiguration: WatchedFiles<TLSContext>]>([:])

  /// How many are logged.
  private let failedHandshakes = RefusalCounter()

  private let gzipWorkers = WorkerThreads()
  /// Apart from those, so that no answer keeps other calls' messages waiting.
  private let offloadWorkers = WorkerThreads(named: "answers", atMost: 2)

  /// What belongs to one event loop.
  private final class LoopState: Sendable {
    let eventLoop: any EventLoop
    let actionQueue: CallActionQueue
    let connections: NIOLoopBoundBox<[ObjectIdentifier: ServerConnection]>
    let strangerTurns: NIOLoopBoundBox<StrangerTurns>
    let isDraining = Atomic<Bool>(false)
    /// How many there are, for other threads.
    let connectionCount = Atomic<Int>(0)

    init(eventLoop: any EventLoop) {
      self.eventLoop = eventLoop
      self.actionQueue = CallActionQueue(eventLoop: eventLoop)
      self.connections = .makeBoxSendingValue([:], eventLoop: eventLoop)
      self.strangerTurns = .makeBoxSendingValue(
        StrangerTurns(eventLoop: eventLoop), eventLoop: eventLoop)
    }
  }

  /// Makes a server that does not listen yet.
  ///
  /// - Parameters:
  ///   - methods: What it serves. No two may have the same path.
  ///   - eventLoops: How many threads serve connections, one at least; a connection stays with one.
  ///   - limits: Within the ranges that `ServerLimits` tells.
  ///   - admission: Who decides which calls come in, asked in this order; the first refusal counts.
  ///   - observer: Hears of every call that was served.
  ///   - errorDetails: Makes the details of an error that has none, those of the server itself
  ///     included: a serialized google.rpc.Status. Runs on event loops and must not block.
  public init(
    methods: [RPCMethod], eventLoops: Int, limits: ServerLimits = ServerLimits(),
    admission: [any CallAdmission] = [], observer: (any CallObserver)? = nil,
    errorDetails: (@Sendable (RPCError) -> [UInt8])? = nil, logger: Logger
  ) {
    precondition(eventLoops > 0, "eventLoops is \(eventLoops): a server needs at least one")
    limits.check()
    self.group = MultiThreadedEventLoopGroup(numberOfThreads: eventLoops)
    EventLoopDescriptors.closeOnExec()
    self.methods = MethodTable(methods)
    self.limits = limits
    self.places = ConnectionPlaces(limits.connections)
    self.budget = HostBudget(limits)
    self.admission = admission
    self.asksForCredentials = admission.contains { $0.asksForCredentials }
    self.observer = observer
    self.errorDetails = errorDetails
    self.logger = logger
    var loops: [ObjectIdentifier: LoopState] = [:]
    for loop in group.makeIterator() { loops[ObjectIdentifier(loop)] = LoopState(eventLoop: loop) }
    self.loops = loops
  }

  /// The server's event loops, for timers of its services. They end with `shutDown`.
  public var eventLoopGroup: any EventLoopGroup { group }

  /// Makes the connection of a channel that a listener accepted, and puts it into its pipeline.
  ///
  /// - Parameter tls: The handler of TLS and the time for its handshake; nil serves plaintext.
  func addConnection(to channel: any Channel, tls: AcceptedTLS?) throws {
    let loop = loops[ObjectIdentifier(channel.eventLoop)]!
    let connection = ServerConnection(
      eventLoop: channel.eventLoop, logger: logger, methods: methods, limits: limits,
      budget: budget, admission: admission, observer: observer, errorDetails: errorDetails,
      actionQueue: loop.actionQueue,
      gzipWorkers: gzipWorkers, offloadWorkers: offloadWorkers,
      onOpen: { connection in
        loop.connections.value[ObjectIdentifier(connection)] = connection
        loop.connectionCount.add(1, ordering: .sequentiallyConsistent)
        if loop.isDraining.load(ordering: .sequentiallyConsistent) { connection.beginDrain() }
      },
      onClose: { connection in
        loop.connections.value[ObjectIdentifier(connection)] = nil
        loop.connectionCount.subtract(1, ordering: .sequentiallyConsistent)
      })
    let pipeline = channel.pipeline.syncOperations
    if asksForCredentials || tls?.check != nil {
      let input = StrangerInput(strangerTurns(of: channel.eventLoop))
      connection.onAuthenticated = { input.clientIsKnown() }
      try pipeline.addHandler(input)
    }
    try pipeline.addHandler(
      ConnectionGate(places, tellsReason: tls == nil, logger: logger))
    if let tls {
      try pipeline.addHandlers(
        tls.handler,
        TLSHandshake(
          tls.handler, check: tls.check, timeout: tls.handshakeTimeout, logger: logger,
          failures: failedHandshakes,
          onSuccess: { connection.handshakeEnded($0) }))
    }
    try pipeline.addHandler(connection)
  }

  /// Those of an event loop of the server. It must be called on that loop.
  func strangerTurns(of eventLoop: any EventLoop) -> StrangerTurns {
    loops[ObjectIdentifier(eventLoop)]!.strangerTurns.value
  }

  /// Stops accepting, tells every client to go away, waits for open calls, then ends them, and the
  /// server's threads. Afterwards the server is of no use.
  ///
  /// It blocks its thread for up to `grace` and must not be called on an event loop, nor by a task,
  /// for which there is the async form.
  ///
  /// - Parameter grace: How long calls may take to finish. What is open after that ends with
  ///   UNAVAILABLE, and has a little longer to be read.
  public func shutDown(grace: TimeAmount) {
    let open = listeners.withLock { list in
      defer { list = [] }
      return list
    }
    for listener in open { listener.close() }
    for loop in loops.values { loop.isDraining.store(true, ordering: .sequentiallyConsistent) }
    forEachConnection { $0.beginDrain() }
    wait(atMost: grace) { self.connectionCount == 0 }
    forEachConnection { $0.terminate() }
    wait(atMost: Self.closingTime) { self.connectionCount == 0 }
    gzipWorkers.stop()
    offloadWorkers.stop()
    wait(atMost: .hours(1)) { self.gzipWorkers.isIdle && self.offloadWorkers.isIdle }
    try? group.syncShutdownGracefully()
  }

  /// How long the end of a process waits for clients to read it.
  private static let closingTime = TimeAmount.seconds(3)

  private func wait(atMost time: TimeAmount, until condition: () -> Bool) {
    let end = NIODeadline.now() + time
    while !condition() && NIODeadline.now() < end {
      // Connections tell nobody when they end; a short sleep is enough at the end of a process.
      try? group.next().scheduleTask(in: .milliseconds(5)) {}.futureResult.wait()
    }
  }

  /// Stops accepting, tells every client to go away, waits for open calls, then ends them, and the
  /// server's threads. Afterwards the server is of no use.
  ///
  /// Cancelling the task does not shorten it.
  ///
  /// - Parameter grace: How long calls may take to finish. What is open after that ends with
  ///   UNAVAILABLE.
  public func shutDown(grace: TimeAmount) async {
    // It fails when the process's own pool was shut down: then nothing is left to serve.
    try? await NIOThreadPool.singleton.runIfActive { self.shutDown(grace: grace) }
  }

  /// Connections that are open now.
  public var connectionCount: Int {
    loops.values.reduce(0) { $0 + $1.connectionCount.load(ordering: .sequentiallyConsistent) }
  }

  /// Connections that were refused because there were too many; see `ServerLimits.connections`.
  public var refusedConnectionCount: Int { places.refused }

  private func forEachConnection(_ body: @escaping @Sendable (ServerConnection) -> Void) {
    for loop in loops.values {
      try? loop.eventLoop.submit { loop.connections.value.values.forEach(body) }.wait()
    }
  }
}
