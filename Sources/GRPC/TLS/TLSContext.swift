internal import Glibc
internal import Logging
internal import NIOSSL

/// The files of a `TLSConfiguration`, read and checked.
struct TLSContext: Sendable {
  let context: NIOSSLContext
  /// Who judges the certificates of peers; nil leaves that to NIOSSL, or to nobody.
  let verifier: PeerVerifier?
  /// When the certificate of this side ends, in seconds since 1970; nil without one.
  let expiry: Int?

  /// A context for the connections of a server.
  static func server(_ configuration: TLSConfiguration) throws(TransportError) -> TLSContext {
    guard let identity = configuration.identity else {
      throw TransportError("a TLS server needs a certificate and a key")
    }
    let (chain, key) = try read(identity)
    var settings = NIOSSL.TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    var verifier: PeerVerifier?
    if let file = configuration.authorityFile {
      let anchors = try certificates(in: file, kind: "client authority")
      settings.trustRoots = .certificates(anchors)
      verifier = try PeerVerifier(anchors: anchors, peer: .client)
      // Clients have no host names that could be compared.
      settings.certificateVerification = .noHostnameVerification
      settings.sendCANameList = true
    }
    return try make(settings, identity, chain, verifier)
  }

  /// A context for connections of a client. Whether a server's certificate has the right name is
  /// left to `TLSHandshake`.
  static func client(_ configuration: TLSConfiguration) throws(TransportError) -> TLSContext {
    var settings = NIOSSL.TLSConfiguration.makeClientConfiguration()
    // NIOSSL takes a certificate for the address of the socket as well, whatever name was asked for.
    settings.certificateVerification = .noHostnameVerification
    var verifier: PeerVerifier?
    if let file = configuration.authorityFile {
      let anchors = try certificates(in: file, kind: "authority")
      settings.trustRoots = .certificates(anchors)
      verifier = try PeerVerifier(anchors: anchors, peer: .server)
    }
    guard let identity = configuration.identity else {
      return try make(settings, nil, [], verifier)
    }
    let (chain, key) = try read(identity)
    settings.certificateChain = chain.map { .certificate($0) }
    settings.privateKey = .privateKey(key)
    return try make(settings, identity, chain, verifier)
  }

  private static func make(
    _ settings: NIOSSL.TLSConfiguration, _ identity: TLSConfiguration.Identity?,
    _ chain: [NIOSSLCertificate], _ verifier: PeerVerifier?
  ) throws(TransportError) -> TLSContext {
    var settings = settings
    settings.minimumTLSVersion = .tlsv12
    // What RFC 9113 section 9.2.2 leaves of TLS 1.2. The suites of TLS 1.3 are not chosen here.
    settings.cipherSuites = "ECDH+AESGCM:ECDH+CHACHA20"
    settings.applicationProtocols = ["h2"]
    // A peer that does not answer close_notify holds its connection no longer than this.
    settings.shutdownTimeout = .seconds(1)
    do {
      return TLSContext(
        context: try NIOSSLContext(configuration: settings), verifier: verifier,
        expiry: chain.first.map { Int($0.notValidAfter) })
    } catch NIOSSLError.failedToLoadPrivateKey {
      throw TransportError(
        "the key in \(identity?.keyFile ?? "") does not belong to the first certificate in "
          + "\(identity?.certificateFile ?? "")")
    } catch {
      throw TransportError("TLS cannot be set up: \(TLSFailure.reason(of: error))")
    }
  }

  private static func read(
    _ identity: TLSConfiguration.Identity
  ) throws(TransportError) -> ([NIOSSLCertificate], NIOSSLPrivateKey) {
    (
      try certificates(in: identity.certificateFile, kind: "certificate"),
      try privateKey(in: identity.keyFile)
    )
  }

  private static func certificates(
    in file: String, kind: String
  ) throws(TransportError) -> [NIOSSLCertificate] {
    let bytes = try SettingsFile.read(file, kind: kind)
    guard String(decoding: bytes, as: UTF8.self).contains("CERTIFICATE-----") else {
      throw TransportError("the \(kind) file \(file) contains no certificate in PEM form")
    }
    guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty
    else {
      throw TransportError("the \(kind) file \(file) contains a certificate that is damaged")
    }
    return certificates
  }

  private static func privateKey(in file: String) throws(TransportError) -> NIOSSLPrivateKey {
    let bytes = try SettingsFile.read(file, kind: "key")
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.contains("PRIVATE KEY-----") else {
      throw TransportError("the key file \(file) contains no private key in PEM form")
    }
    if text.contains("ENCRYPTED") {
      throw TransportError(
        "the key file \(file) is encrypted; decrypt it with: openssl pkey -in \(file) -out FILE")
    }
    guard let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
      throw TransportError("the key file \(file) contains a private key that is damaged")
    }
    return key
  }
}

extension TLSConfiguration {
  /// The files that `TLSContext` reads.
  var files: [String] {
    [identity?.certificateFile, identity?.keyFile, authorityFile].compactMap { $0 }
  }
}

extension WatchedFiles<TLSContext> {
  /// The context of a server, read again when one of its files changes.
  static func server(
    _ configuration: TLSConfiguration, logger: Logger
  ) throws(TransportError) -> WatchedFiles {
    try WatchedFiles(configuration.files, kind: "certificate", logger: logger) {
      () throws(TransportError) in
      let context = try TLSContext.server(configuration)
      let file: Logger.Metadata = ["file": "\(configuration.identity?.certificateFile ?? "")"]
      if let expiry = context.expiry, expiry < time(nil) {
        logger.warning("the certificate has expired", metadata: file)
      }
      if let key = configuration.identity?.keyFile, SettingsFile.isOpenToEverybody(key) {
        logger.warning("every user can read the key; chmod 600", metadata: ["file": "\(key)"])
      }
      return context
    }
  }
}
