internal import NIOCore
internal import NIOPosix

/// Makes the channels of a client's connections. Whatever stands between the socket and HTTP/2 is
/// set up here.
enum ClientChannel {
  /// Connects to a target. A host name may have several addresses: each that is tried gets a
  /// channel and a connection of its own, and the first that is there is the result.
  ///
  /// - Parameters:
  ///   - tls: nil connects in plaintext. Its handshake is not waited for: the connection becomes active
  ///     after it.
  ///   - requiresOwnSocket: See `ClientConfiguration.requiresOwnSocket`.
  static func connect(
    to target: ServerAddress, tls: ClientTLS?, timeout: TimeAmount, requiresOwnSocket: Bool,
    on eventLoop: any EventLoop,
    makeConnection: @escaping @Sendable () -> ClientConnection
  ) -> EventLoopFuture<any Channel> {
    let bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(timeout)
      .channelOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))
      .channelOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 128 * 1024)
      )
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          channel.closeOnExec()
          let connection = makeConnection()
          try tls?.addHandlers(to: channel, for: connection, logger: connection.logger)
          try channel.pipeline.syncOperations.addHandler(connection)
        }
      }
    switch target {
    case .tcp(let host, let port):
      return bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .connect(host: host, port: port)
    case .unix(let path):
      do throws(TransportError) {
        return bootstrap.withConnectedSocket(
          try UnixSocket.connect(path: path, requiresOwner: requiresOwnSocket))
      } catch {
        return eventLoop.makeFailedFuture(error)
      }
    }
  }
}
