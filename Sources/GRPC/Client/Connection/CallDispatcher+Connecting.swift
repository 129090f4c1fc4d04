internal import Logging
internal import NIOCore

/// How a client comes to a connection, and what becomes of it.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
extension CallDispatcher {
  /// Connects when calls wait and nothing is under way.
  func connectIfNeeded() {
    guard hasWaitingCalls, connectivity.callsWait() else { return }
    let timeout = configuration.connectTimeout
    // Counted from the beginning of the attempt.
    nextConnect =
      .now() + configuration.connectBackoff.delay(afterFailures: connectivity.failures + 1)
    handshakeTimer = eventLoop.scheduleTask(in: timeout) { self.handshakeTimedOut() }
    logger.debug("connecting", metadata: ["target": "\(target)"])
    let connected = ClientChannel.connect(
      to: target, tls: tls, timeout: timeout, requiresOwnSocket: configuration.requiresOwnSocket,
      on: eventLoop, makeConnection: makeConnection)
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
    case .streamFree: serveWaiting()
    case .retired(let error, let tooManyPings):
      retired(connection, error, tooManyPings: tooManyPings)
    case .closed(let error): closed(connection, error)
    }
  }

  /// The socket is connected; HTTP/2 is still to begin.
  private func connected(_ channel: any Channel) {
    // The handler is there until its channel is closed.
    guard
      let connection = try? channel.pipeline.syncOperations.handler(type: ClientConnection.self)
    else { return connectFailed(Self.closedAtOnce) }
    guard connectivity.connected(connection) else { return }
    // A channel that never becomes active is closed without a word of its connection: so ends a
    // TLS handshake that fails.
    let bound = NIOLoopBound(connection, eventLoop: eventLoop)
    channel.closeFuture.whenComplete { _ in
      if case .connecting(bound.value?) = self.connectivity.phase {
        self.connectFailed(bound.value.reason ?? Self.closedAtOnce)
      }
    }
  }

  private static let closedAtOnce = "the server closed the connection at once"

  private func ready(_ connection: ClientConnection) {
    // Another address of the host may have been faster.
    guard connectivity.ready(connection) else { return connection.shutDown() }
    handshakeTimer?.cancel()
    handshakeTimer = nil
    logger.debug("connected", metadata: ["target": "\(target)"])
    serveWaiting()
    // Those it was made for may have given up meanwhile.
    if life.needsNoConnection { connection.shutDown() }
  }

  private func handshakeTimedOut() {
    guard case .connecting(let connection) = connectivity.phase else { return }
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
    let error = RPCError(.unavailable, "cannot connect to \(target): \(reason)")
    guard connectivity.connectingFailed(error) else { return }
    handshakeTimer?.cancel()
    handshakeTimer = nil
    logger.debug("cannot connect", metadata: ["target": "\(target)", "reason": "\(reason)"])
    backOff(error)
  }

  /// Waits before the next attempt, and fails the calls that do not.
  private func backOff(_ error: RPCError) {
    eventLoop.scheduleTask(deadline: nextConnect) {
      self.connectivity.backoffEnded()
      self.connectIfNeeded()
    }
    failWaiting(error)
  }

  private func retired(_ connection: ClientConnection, _ error: RPCError, tooManyPings: Bool) {
    if tooManyPings, let times = keepalive {
      keepalive?.time = times.time + times.time
    }
    lost(connection, error)
  }

  private func closed(_ connection: ClientConnection, _ error: RPCError) {
    connections[ObjectIdentifier(connection)] = nil
    if case .connecting(connection?) = connectivity.phase { connectFailed(error.message) }
    lost(connection, error)
    if connections.isEmpty { lastConnectionClosed() }
  }

  private func lost(_ connection: ClientConnection, _ error: RPCError) {
    switch connectivity.lost(connection, error, hasFailedCalls: connection.hasFailedCalls) {
    case .nothing: break
    case .idle: connectIfNeeded()
    case .backoff: backOff(error)
    }
  }
}

/// A connection matches itself.
private func ~= (pattern: ClientConnection, value: ClientConnection) -> Bool { pattern === value }
