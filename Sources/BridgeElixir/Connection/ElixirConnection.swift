internal import BridgeProtocol
public import GRPC
internal import GRPCProtobuf
public import Logging
public import NIOCore
internal import NIOPosix
internal import SwiftProtobuf
internal import Threads

/// The connection to Elixir's own server: calls of `snakepit.bridge.BridgeService` there.
///
/// It is made when it is needed and made again when it breaks, with pauses that grow. A call that is open when it
/// breaks, or that no connection is to be had for, fails with UNAVAILABLE and a sentence. Thread-safe.
public final class ElixirConnection: Sendable {
  /// Where Elixir listens.
  public let address: ServerAddress
  let logger: Logger
  private let group: MultiThreadedEventLoopGroup
  private let client: GRPCClient
  /// Whether the last call came through, so that only changes are logged.
  private let isReachable = Locked(true)

  /// Times that calls may take of which nobody waits for the answer.
  static let usualTimeout = TimeAmount.seconds(5)
  /// The first pause between attempts to reach the server, and the longest.
  private static let pauses = (
    first: TimeAmount.milliseconds(20), longest: TimeAmount.seconds(1)
  )

  /// Makes the connection's client; nothing is sent yet.
  public init(to address: ServerAddress, logger: Logger) {
    self.address = address
    self.logger = logger
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var configuration = ClientConfiguration()
    configuration.messageSize = Int(Int32.max)
    configuration.connectTimeout = .seconds(5)
    configuration.connectBackoff = Backoff(
      initial: .milliseconds(50), maximum: .seconds(5), multiplier: 2)
    // Finds out that the machine of a far server is gone, while a tool waits for it.
    configuration.keepalive = ClientConfiguration.Keepalive(time: .seconds(30))
    client = GRPCClient(target: address, configuration: configuration, eventLoop: group.next())
  }

  // MARK: Reaching it

  /// Pings the server until it answers.
  ///
  /// - Parameter done: Called once, on any thread, with what the last attempt has failed with when the time is
  ///   over.
  public func reach(for time: TimeAmount, _ done: @escaping @Sendable (RPCError?) -> Void) {
    Task {
      do throws(RPCError) {
        try await waitUntilReachable(for: time)
        done(nil)
      } catch {
        done(error)
      }
    }
  }

  private func waitUntilReachable(for time: TimeAmount) async throws(RPCError) {
    let end = NIODeadline.now() + time
    var pause = Self.pauses.first
    while true {
      do throws(RPCError) {
        let request = Snakepit_Bridge_PingRequest.with { $0.message = "bridge-host" }
        _ = try await call(BridgeMethods.ping, request, timeout: .seconds(1))
        return
      } catch {
        guard NIODeadline.now() + pause < end else { throw error }
      }
      try? await Task.sleep(nanoseconds: UInt64(pause.nanoseconds))
      if Task.isCancelled {
        throw RPCError(.cancelled, "nobody waits for Elixir's server any more")
      }
      pause = min(pause + pause, Self.pauses.longest)
    }
  }

  // MARK: Calls

  /// Makes a call.
  ///
  /// - Throws: The status that the server answered; UNAVAILABLE and DEADLINE_EXCEEDED with a sentence that
  ///   names the server.
  func call<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, _ request: Request, timeout: TimeAmount?,
    metadata: Metadata = Metadata()
  ) async throws(RPCError) -> Response {
    let bytes = try await forward(
      method.path, try request.rpcBytes(), timeout: timeout, metadata: metadata)
    return try Response(response: bytes)
  }

  /// Makes a call of a request that is bytes already.
  ///
  /// - Throws: As `call`.
  func forward(
    _ path: String, _ request: [UInt8], timeout: TimeAmount?, metadata: Metadata = Metadata()
  ) async throws(RPCError) -> [UInt8] {
    do throws(RPCError) {
      let response = try await client.unary(
        path, request, options: CallOptions(metadata: metadata, timeout: timeout))
      noteReachable(true)
      return response.message
    } catch {
      switch error.code {
      case .unavailable:
        noteReachable(false, error)
        throw RPCError(
          .unavailable, "Elixir's server at \(address) is not there: \(error.message)",
          isTransient: true)
      case .deadlineExceeded:
        throw RPCError(
          .deadlineExceeded, "Elixir's server at \(address) has not answered in time")
      default: throw error
      }
    }
  }

  private func noteReachable(_ isNow: Bool, _ error: RPCError? = nil) {
    let isNews = isReachable.withLock { isReachable in
      defer { isReachable = isNow }
      return isReachable != isNow
    }
    guard isNews else { return }
    if let error {
      logger.warning(
        "Elixir's server cannot be reached",
        metadata: ["address": "\(address)", "error": "\(error.message)"])
    } else {
      logger.info("Elixir's server is reached again", metadata: ["address": "\(address)"])
    }
  }

  /// Ends the connection, and the calls that are open. It blocks, and must not be called by a task.
  public func close() {
    let closed = Semaphore()
    let client = client
    Task {
      await client.shutDown(grace: .zero)
      closed.signal()
    }
    closed.wait()
    try? group.syncShutdownGracefully()
  }
}
