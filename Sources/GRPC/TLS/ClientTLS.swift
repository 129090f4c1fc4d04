internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOSSL

/// What a client's connections over TLS begin with.
struct ClientTLS: Sendable {
  private let context: NIOSSLContext
  private let verifier: PeerVerifier?
  /// Whom the server's certificate must name.
  private let serverName: ServerName
  private let handshakeTimeout: TimeAmount
  /// What calls name as their `:authority`.
  let authority: String

  /// Reads the files.
  init(
    _ configuration: TLSConfiguration, target: ServerAddress, logger: Logger
  ) throws(TransportError) {
    let files = try TLSContext.client(configuration)
    context = files.context
    verifier = files.verifier
    handshakeTimeout = configuration.handshakeTimeout
    authority = configuration.serverName ?? target.authority
    let host =
      switch target {
      case .tcp(let host, _): host
      case .unix: target.authority
      }
    serverName = try ServerName(configuration.serverName ?? host)
    if let expiry = files.expiry, expiry < time(nil) {
      logger.warning(
        "the certificate has expired",
        metadata: ["file": "\(configuration.identity?.certificateFile ?? "")"])
    }
  }

  /// Puts TLS before a connection that is about to be added.
  func addHandlers(
    to channel: any Channel, for connection: ClientConnection, logger: Logger
  ) throws {
    let check = verifier.map { PeerCheck($0) }
    let name = serverName.indication
    let tls =
      if let check {
        try NIOSSLClientHandler(
          context: context, serverHostname: name, customVerificationCallback: check.callback)
      } else {
        try NIOSSLClientHandler(context: context, serverHostname: name)
      }
    try channel.pipeline.syncOperations.addHandlers(
      tls,
      TLSHandshake(
        tls, check: check, serverName: serverName, timeout: handshakeTimeout, logger: logger,
        onFailure: { connection.handshakeFailed($0) }))
  }
}
