internal import Threads
public import Logging
public import NIOCore
internal import NIOPosix
internal import Synchronization

/// A gRPC server: listens, spreads connections over event loops, and runs `methods`.
///
/// Thread-safe.
public final class GRPCServer: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let methods: MethodTable
  private let limits: ServerLimits
  private let logger: Logger
  private let loops: [ObjectIdentifier: LoopState]
  private let listeners = Locked<[any Channel]>([])

  /// What belongs to one event loop.
  private final class LoopState: Sendable {
    let eventLoop: any EventLoop
    let mailbox: LoopMailbox
    let connections: NIOLoopBoundBox<[ObjectIdentifier: ServerConnection]>
    let isDraining = Atomic<Bool>(false)

    init(eventLoop: any EventLoop) {
      self.eventLoop = eventLoop
      self.mailbox = LoopMailbox(eventLoop: eventLoop)
      self.connections = .makeBoxSendingValue([:], eventLoop: eventLoop)
    }
  }

  /// - Parameter eventLoops: How many threads serve connections.
  public init(
    methods: [RPCMethod], eventLoops: Int, limits: ServerLimits = ServerLimits(), logger: Logger
  ) {
    self.group = MultiThreadedEventLoopGroup(numberOfThreads: eventLoops)
    self.methods = MethodTable(methods)
    self.limits = limits
    self.logger = logger
    var loops: [ObjectIdentifier: LoopState] = [:]
    for loop in group.makeIterator() { loops[ObjectIdentifier(loop)] = LoopState(eventLoop: loop) }
    self.loops = loops
  }

  /// The server's event loops, for timers of its services. They end with `shutDown`.
  public var eventLoopGroup: any EventLoopGroup { group }

  /// Listens on an address; connections are accepted when this returns.
  ///
  /// - Parameter port: 0 takes a free one.
  /// - Returns: The port.
  /// - Throws: `IOError` when the address cannot be had.
  public func listen(host: String, port: Int) throws -> Int {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelInitializer { channel in
        // Out of descriptors, accepting would spin.
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
        }
      }
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(
        .writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024)
      )
      .childChannelOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 128 * 1024)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.addConnection(to: channel) }
      }
    let channel = try bootstrap.bind(host: host, port: port).wait()
    listeners.withLock { $0.append(channel) }
    return channel.localAddress?.port ?? port
  }

  private func addConnection(to channel: any Channel) throws {
    let loop = loops[ObjectIdentifier(channel.eventLoop)]!
    let connection = ServerConnection(
      eventLoop: channel.eventLoop, logger: logger, methods: methods, limits: limits,
      mailbox: loop.mailbox,
      onOpen: { connection in
        loop.connections.value[ObjectIdentifier(connection)] = connection
        if loop.isDraining.load(ordering: .sequentiallyConsistent) { connection.beginDrain() }
      },
      onClose: { loop.connections.value[ObjectIdentifier($0)] = nil })
    try channel.pipeline.syncOperations.addHandler(connection)
  }

  /// Stops accepting, tells every client to go away, waits for open calls, then ends them.
  ///
  /// - Parameter grace: How long calls may take to finish. What is open after that ends with
  ///   UNAVAILABLE.
  public func shutDown(grace: TimeAmount) {
    let open = listeners.withLock { list in
      defer { list = [] }
      return list
    }
    for listener in open { try? listener.close().wait() }
    for loop in loops.values { loop.isDraining.store(true, ordering: .sequentiallyConsistent) }
    forEachConnection { $0.beginDrain() }
    let end = NIODeadline.now() + grace
    while connectionCount > 0 && NIODeadline.now() < end {
      // Connections tell nobody when they end; a short sleep is enough at the end of a process.
      try? group.next().scheduleTask(in: .milliseconds(5)) {}.futureResult.wait()
    }
    forEachConnection { $0.terminate() }
    try? group.syncShutdownGracefully()
  }

  /// Connections that are open now.
  public var connectionCount: Int {
    loops.values.reduce(0) { count, loop in
      count + ((try? loop.eventLoop.submit { loop.connections.value.count }.wait()) ?? 0)
    }
  }

  private func forEachConnection(_ body: @escaping @Sendable (ServerConnection) -> Void) {
    for loop in loops.values {
      try? loop.eventLoop.submit { loop.connections.value.values.forEach(body) }.wait()
    }
  }
}
