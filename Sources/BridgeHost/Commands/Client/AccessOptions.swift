internal import ArgumentParser
internal import GRPC
internal import TrustedFiles

/// How a command shows the host who it is, and makes sure that it is the host.
struct AccessOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Speak TLS.",
      discussion: """
        The host's certificate must be for the host in --address, by name or IP address, and come \
        from an authority of --tls-ca or, without that, of the system. The other --tls options \
        imply this one.
        """))
  var tls = false

  @Option(
    help: ArgumentHelp(
      "PEM file of authorities; the host must show a certificate of one of them.",
      valueName: "file"))
  var tlsCa: String?

  @Option(
    help: ArgumentHelp(
      "PEM file of a certificate to show (mutual TLS) and those above it.", valueName: "file"))
  var tlsCertificate: String?

  @Option(help: ArgumentHelp("PEM file of the certificate's private key.", valueName: "file"))
  var tlsKey: String?

  @Option(
    help: ArgumentHelp(
      "Name or IP address that the host's certificate must be for, if not that in --address.",
      valueName: "name"))
  var tlsServerName: String?

  @Option(
    help: ArgumentHelp(
      "File whose first token every call carries; in the form of serve's --token-file.",
      valueName: "file"))
  var tokenFile: String?

  @Flag(
    help: "Send the token to another machine without TLS, where whoever sees the packets reads it.")
  var insecureRemote = false

  private var usesTLS: Bool {
    tls || [tlsCa, tlsCertificate, tlsKey, tlsServerName].contains { $0 != nil }
  }

  func validate() throws {
    if (tlsCertificate == nil) != (tlsKey == nil) {
      throw ValidationError("--tls-certificate and --tls-key go together")
    }
  }

  func validate(for address: ServerAddress) throws {
    if usesTLS && address.port == nil {
      throw ValidationError("TLS is for TCP addresses: hosts speak plaintext on Unix sockets")
    }
    if tokenFile != nil && !usesTLS && !address.isLocal && !insecureRemote {
      throw ValidationError(
        "\(address) may be on another machine: a token needs TLS (--tls), or --insecure-remote if "
          + "the network in between is yours alone")
    }
  }

  func makeClient(
    of address: ServerAddress, _ configuration: ClientConfiguration
  ) throws(TransportError) -> GRPCClient {
    var configuration = configuration
    // The check of the path, in `makeMetadata`, is of a moment before.
    configuration.requiresOwnSocket = tokenFile != nil
    guard usesTLS else { return GRPCClient(target: address, configuration: configuration) }
    var tls = TLSConfiguration(authorityFile: tlsCa, serverName: tlsServerName)
    if let tlsCertificate, let tlsKey {
      tls.identity = .init(certificateFile: tlsCertificate, keyFile: tlsKey)
    }
    return try GRPCClient(target: address, tls: tls, configuration: configuration)
  }

  /// What every call carries.
  ///
  /// A token is for a host of this user or root: whoever can put a socket of his own in the place of
  /// the host's would read it.
  func makeMetadata(for address: ServerAddress) throws -> Metadata {
    var metadata = Metadata()
    guard let tokenFile else { return metadata }
    if case .unix(let path) = address {
      do throws(TrustedFileError) {
        try TrustedSocket.check(path)
      } catch {
        // Nothing is sent to a host that is not there; the call says so, or waits for it.
        if !error.isMissing { throw PlainError("the token is not sent: \(error)") }
      }
    }
    try metadata.addToken(fromFile: tokenFile)
    return metadata
  }
}
