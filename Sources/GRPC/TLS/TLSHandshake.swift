internal import Logging
internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Stands between TLS and an HTTP/2 connection, which becomes active when the handshake is through.
///
/// A peer that takes too long, does not agree on HTTP/2 by ALPN or is not the server that was meant
/// is disconnected. The handler leaves the pipeline with the handshake. Belongs to the channel's
/// event loop.
final class TLSHandshake: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let tls: NIOSSLHandler
  private let check: PeerCheck?
  private let serverName: ServerName?
  private let timeout: TimeAmount
  private let logger: Logger
  private let failures: RefusalCounter?
  private let onSuccess: (PeerCertificate?) -> Void
  private let onFailure: (String) -> Void
  private var timer: Scheduled<Void>?
  private var isOver = false

  /// - Parameters:
  ///   - tls: The handler in front of this one.
  ///   - check: What judges the peer's certificate in that handler; nil when it is not asked for, or
  ///     verified by NIOSSL alone.
  ///   - serverName: Whom the peer's certificate must name; nil takes any that TLS has verified.
  ///   - timeout: Counted from the connection of the socket.
  ///   - failures: How many failures are logged, but for those of level debug; nil logs all.
  ///   - onSuccess: Called before the connection becomes active, with who the peer is.
  ///   - onFailure: Called before the channel is closed, with the reason in words.
  init(
    _ tls: NIOSSLHandler, check: PeerCheck?, serverName: ServerName? = nil, timeout: TimeAmount,
    logger: Logger, failures: RefusalCounter? = nil,
    onSuccess: @escaping (PeerCertificate?) -> Void = { _ in },
    onFailure: @escaping (String) -> Void = { _ in }
  ) {
    self.tls = tls
    self.check = check
    self.serverName = serverName
    self.timeout = timeout
    self.logger = logger
    self.failures = failures
    self.onSuccess = onSuccess
    self.onFailure = onFailure
  }

  /// The connection waits for the handshake instead.
  func channelActive(context: ChannelHandlerContext) {
    let handshake = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: timeout) {
      let (handler, context) = handshake.value
      handler.fail(context, "the handshake took too long", level: .info)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(context, "the peer disconnected", level: .debug)
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case .handshakeCompleted(let negotiated) = event as? TLSUserEvent, !isOver else {
      return context.fireUserInboundEventTriggered(event)
    }
    guard negotiated == "h2" else {
      return fail(context, "the peer does not offer h2 by ALPN", level: .info)
    }
    let certificate = tls.peerCertificate.map { PeerCertificate($0) }
    if let serverName, !serverName.isAmong(certificate?.alternativeNames ?? []) {
      return fail(context, TLSFailure.wrongName(certificate, serverName), level: .info)
    }
    var end: Int?
    do throws(CertificateVerifier.Refusal) {
      end = try check?.end(of: tls.peerCertificate)
    } catch {
      return fail(context, "\(TLSFailure.untrusted): \(error.reason)", level: .info)
    }
    isOver = true
    onSuccess(certificate)
    context.fireChannelActive()
    if let end, let check {
      CertificateExpiry.watch(context.channel, until: end, clock: check.verifier.clock)
    }
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(
      context,
      TLSFailure.reason(of: error, certificate: tls.peerCertificate, refusal: check?.refusal),
      level: TLSFailure.isDisconnect(error) ? .debug : .info)
  }

  private func fail(_ context: ChannelHandlerContext, _ reason: String, level: Logger.Level) {
    if isOver { return }
    isOver = true
    log(reason, of: Peer(address: context.channel.remoteAddress, certificate: nil), level)
    onFailure(reason)
    context.close(promise: nil)
  }
  private func log(_ reason: String, of peer: Peer, _ level: Logger.Level) {
    var metadata: Logger.Metadata = ["peer": "\(peer.address)", "reason": "\(reason)"]
    if level > .debug, let failures {
      let (isLogged, unsaid) = failures.count()
      guard isLogged else { return }
      if unsaid > 0 { metadata["not_logged"] = "\(unsaid)" }
    }
    logger.log(level: level, "TLS handshake failed", metadata: metadata)
  }
}
