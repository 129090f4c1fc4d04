internal import BridgeElixir
internal import BridgeTools
internal import GRPC
internal import Glibc
internal import Logging
internal import NIOCore
internal import Threads

/// The connection to Elixir's server. It is there for as long as tools run.
final class ElixirComponent: HostComponent {
  let name = "elixir"
  let sessions: ElixirSessions
  let connection: ElixirConnection
  private let heartbeats: ElixirHeartbeats
  private let logger: Logger
  private let attempt = Attempt()

  /// How long Elixir's server may take to answer the first time: as long as Snakepit waits for the worker.
  private static let patience = TimeAmount.seconds(30)

  /// The first attempt to reach the server.
  private final class Attempt: Sendable {
    private let isOver = Semaphore()
    private let error = Locked<RPCError?>(nil)

    func end(_ error: RPCError?) {
      self.error.withLock { $0 = error }
      isOver.signal()
    }

    func wait() -> RPCError? {
      isOver.wait()
      return error.withLock { $0 }
    }
  }

  init(_ role: HostRole.Elixir, logger: Logger) {
    connection = ElixirConnection(to: role.address, logger: logger)
    sessions = ElixirSessions(connection, worker: role.worker)
    heartbeats = ElixirHeartbeats(role.heartbeats, of: sessions) {
      logger.error("Elixir's server is gone, and the worker ends with it")
      kill(getpid(), SIGTERM)
    }
    self.logger = logger
    if role.worker == nil {
      logger.info("Elixir is not told of tools: the worker's id in the pool is not known")
    }
  }

  /// Begins to ping the server, while everything else starts.
  func start() {
    let attempt = attempt
    connection.reach(for: Self.patience) { attempt.end($0) }
  }

  func stop() { connection.close() }

  /// Waits until the server has answered, and begins to send heartbeats.
  fileprivate func becomeReady() throws {
    if let error = attempt.wait() { throw PlainError(error.message) }
    heartbeats.start()
  }

  fileprivate func endHeartbeats() { heartbeats.stop() }
}

/// That Elixir's server is there: the last that a worker waits for before it is ready.
final class ElixirReadiness: HostComponent {
  let name = "elixir is there"
  private let elixir: ElixirComponent

  init(_ elixir: ElixirComponent) { self.elixir = elixir }

  func start() throws { try elixir.becomeReady() }
  func drain() { elixir.endHeartbeats() }
}
