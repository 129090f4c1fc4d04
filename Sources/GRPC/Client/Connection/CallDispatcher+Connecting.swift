internal import Logging
internal import NIOCore

/// How a client comes to a connection, and what becomes of it.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
extension CallDispatcher {
  /// Connects when calls wait and nothing is under way.
  func connectIfNeeded() {
    guard case .idle = state, !waiting.isEmpty else { return }
    state = .connecting(nil)
    let timeout = configuration.connectTimeout
    // Counted from the beginning of the attempt.
    nextConnect =
      .now() + configuration.connectBackoff.delay(afterFailures: connectFailures + 1)
    handshakeTimer = eventLoop.scheduleTask(in: timeout) { self.handshakeTimedOut() }
    logger.debug("connecting", metadata: ["target": "\(target)"])
    let connected = ClientChannel.connect(
      to: target, tls: tls, timeout: timeout, on: eventLoop, makeConnection: makeConnection)
    connected.whenComplete { result in
      switch result {
      case .success(let channel): self.connected(channel)
      case .failure(let error):
        self.connectFailed(ConnectionError.text(of: error))
      }
    }
  }

  @Sendable private func makeConnection() -> ClientConnection {
    var configuration = configuration
    configuration.keepalive = keepalive
    return ClientConnection(
      eventLoop: eventLoop, logger: logger, target: target, usesTLS: tls != nil,
      configuration: configuration, fields: fields, onEvent: { self.handle($1, of: $0) })
  }

  private func handle(_ event: ClientConnection.Event, of connection: ClientConnection) {
    switch event {
    case .open: connections[ObjectIdentifier(connection)] = connection
    case .ready: ready(connection)
    case .room: serveWaiting()
    case .retired(let calmDown): retired(connection, calmDown: calmDown)
    case .closed(let error): closed(connection, error)
    }
  }

  /// The socket is connected; HTTP/2 is still to begin.
  private func connected(_ channel: any Channel) {
    guard case .connecting = state else { return }
    // The handler is there until its channel is closed.
    guard
      let connection = try? channel.pipeline.syncOperations.handler(type: ClientConnection.self)
    else { return connectFailed(Self.closedAtOnce) }
    state = .connecting(connection)
    // A channel that never becomes active is closed without a word of its connection: so ends a
    // TLS handshake that fails.
    let bound = NIOLoopBound(connection, eventLoop: eventLoop)
    channel.closeFuture.whenComplete { _ in
      if case .connecting(bound.value?) = self.state {
        self.connectFailed(bound.value.reason ?? Self.closedAtOnce)
      }
    }
  }

  private static let closedAtOnce = "the server closed the connection at once"

  private func ready(_ connection: ClientConnection) {
    guard case .connecting = state else {
      // Another address of the host was faster.
      return connection.shutDown()
    }
    handshakeTimer?.cancel()
    handshakeTimer = nil
    connectFailures = 0
    state = .ready(connection)
    logger.debug("connected", metadata: ["target": "\(target)"])
    serveWaiting()
    // Those it was made for may have given up meanwhile.
    if isShuttingDown && calls.isEmpty { connection.shutDown() }
  }

  private func handshakeTimedOut() {
    guard case .connecting(let connection) = state else { return }
    let what =
      switch connection {
      case nil: "no answer"
      case let connection? where !connection.isActive: "no end of the TLS handshake"
      default: "no HTTP/2 settings"
      }
    connectFailed("\(what) came within \(configuration.connectTimeout.seconds) s")
    connection?.close()
  }

  private func connectFailed(_ reason: String) {
    guard case .connecting = state else { return }
    handshakeTimer?.cancel()
    handshakeTimer = nil
    connectFailures += 1
    let error = RPCError(.unavailable, "cannot connect to \(target): \(reason)")
    logger.debug("cannot connect", metadata: ["target": "\(target)", "reason": "\(reason)"])
    state = .backingOff(error)
    eventLoop.scheduleTask(deadline: nextConnect) {
      guard case .backingOff = self.state else { return }
      self.state = .idle
      self.connectIfNeeded()
    }
    failWaiting(error)
  }

  private func retired(_ connection: ClientConnection, calmDown: Bool) {
    if calmDown, let times = keepalive {
      keepalive?.time = times.time + times.time
    }
    if case .ready(connection) = state { state = .idle }
    connectIfNeeded()
  }

  private func closed(_ connection: ClientConnection, _ error: RPCError) {
    connections[ObjectIdentifier(connection)] = nil
    switch state {
    case .connecting(connection?): connectFailed(error.message)
    case .ready(connection): state = .idle
    default: break
    }
    connectIfNeeded()
    finishShutDownIfClosed()
  }
}

/// A connection matches itself.
private func ~= (pattern: ClientConnection, value: ClientConnection) -> Bool { pattern === value }
