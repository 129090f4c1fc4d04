internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Listeners: any number of them, over TCP and Unix domain sockets, with TLS and without.
extension GRPCServer {
  /// Listens on an address; connections are accepted when this returns. May be called for any number
  /// of addresses, each with a security of its own.
  ///
  /// The file of a Unix domain socket is made with `socketPermissions`, replaces one that a server
  /// left behind, and is removed by `shutDown`.
  ///
  /// It blocks its thread while a name is looked up, and must not be called on an event loop, nor by
  /// a task, for which there is the async form.
  ///
  /// - Parameters:
  ///   - address: Port 0 takes a free one.
  ///   - socketPermissions: Who may connect to a Unix domain socket, as `chmod` takes it.
  /// - Returns: The address with the port that was taken.
  /// - Throws: When the address cannot be had, or a file of TLS is wrong.
  @discardableResult
  public func listen(
    on address: ServerAddress, security: TransportSecurity = .plaintext,
    socketPermissions: UInt32 = 0o600
  ) throws(TransportError) -> ServerAddress {
    let tls = try tlsContext(of: security)
    switch address {
    case .tcp(let host, let port):
      let channel: any Channel
      do {
        channel = try bootstrap(tls)
          .serverChannelOption(.backlog, value: UnixSocket.backlog)
          .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
          .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
          .bind(host: host, port: port).wait()
      } catch {
        throw TransportError("cannot listen on \(address): \(TransportError.reason(of: error))")
      }
      add(Listener(channel: channel, socketFile: nil))
      return .tcp(host: host, port: channel.localAddress?.port ?? port)
    case .unix(let path):
      let (descriptor, file) = try UnixSocket.bind(path: path, permissions: socketPermissions)
      do {
        let channel = try bootstrap(tls).withBoundSocket(descriptor).wait()
        // NIO has listened with a backlog of its own choice; a second call changes it.
        Glibc.listen(descriptor, UnixSocket.backlog)
        add(Listener(channel: channel, socketFile: file))
      } catch {
        file.remove()
        throw TransportError("cannot listen on \(address): \(TransportError.reason(of: error))")
      }
      return address
    }
  }

  /// Listens on an address, as the form above, without blocking its thread.
  ///
  /// - Parameters:
  ///   - address: Port 0 takes a free one.
  ///   - socketPermissions: Who may connect to a Unix domain socket, as `chmod` takes it.
  /// - Returns: The address with the port that was taken.
  /// - Throws: When the address cannot be had, or a file of TLS is wrong.
  @discardableResult
  public func listen(
    on address: ServerAddress, security: TransportSecurity = .plaintext,
    socketPermissions: UInt32 = 0o600
  ) async throws(TransportError) -> ServerAddress {
    do {
      return try await NIOThreadPool.singleton.runIfActive {
        try self.listen(on: address, security: security, socketPermissions: socketPermissions)
      }
    } catch let error as TransportError {
      throw error
    } catch {
      throw TransportError("cannot listen on \(address): \(TransportError.reason(of: error))")
    }
  }

  private func add(_ listener: Listener) {
    listeners.withLock { $0.append(listener) }
  }

  private func tlsContext(
    of security: TransportSecurity
  ) throws(TransportError) -> (files: WatchedFiles<TLSContext>, timeout: TimeAmount)? {
    guard case .tls(let configuration) = security else { return nil }
    if let known = tlsContexts.withLock({ $0[configuration] }) {
      return (known, configuration.handshakeTimeout)
    }
    let files = try WatchedFiles.server(configuration, logger: logger)
    files.watch(on: group.next())
    tlsContexts.withLock { $0[configuration] = files }
    return (files, configuration.handshakeTimeout)
  }

  private func bootstrap(
    _ tls: (files: WatchedFiles<TLSContext>, timeout: TimeAmount)?
  ) -> ServerBootstrap {
    let asksWho = asksForCredentials || tls?.files.value.verifier != nil
    return ServerBootstrap(group: group)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          channel.closeOnExec()
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(AcceptPause(logger: self.logger))
          if asksWho {
            try pipeline.addHandler(AcceptTurns(self.strangerTurns(of: channel.eventLoop)))
          }
        }
      }
      .childChannelOption(
        .writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024)
      )
      .childChannelOption(.recvAllocator, value: Reading.ofClients.allocator)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          channel.closeOnExec()
          try self.addConnection(
            to: channel,
            tls: tls.map { AcceptedTLS($0.files.value, handshakeTimeout: $0.timeout) })
        }
      }
  }
}

/// What a connection over TLS begins with.
struct AcceptedTLS {
  let handler: NIOSSLHandler
  /// What judges the client's certificate; nil asks for none.
  let check: PeerCheck?
  let handshakeTimeout: TimeAmount

  init(_ files: TLSContext, handshakeTimeout: TimeAmount) {
    let check = files.verifier.map { PeerCheck($0) }
    self.check = check
    self.handshakeTimeout = handshakeTimeout
    handler =
      if let check {
        NIOSSLServerHandler(
          context: files.context, customVerificationCallback: check.callback)
      } else {
        NIOSSLServerHandler(context: files.context)
      }
  }
}

/// A socket that accepts connections.
struct Listener: Sendable {
  let channel: any Channel
  /// Its file, when it is a Unix domain socket.
  let socketFile: UnixSocket?

  /// Accepts no more. Connections live on.
  func close() {
    socketFile?.remove()
    try? channel.close().wait()
  }
}
