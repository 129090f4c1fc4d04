internal import ArgumentParser
internal import GRPC

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

  /// What the options say.
  var access: HostAccess {
    HostAccess(
      usesTLS: tls, authorityFile: tlsCa, certificateFile: tlsCertificate, keyFile: tlsKey,
      serverName: tlsServerName, tokenFile: tokenFile, isRemoteAllowed: insecureRemote, prefix: "")
  }

  func validate() throws { try access.validate() }

  func validate(for address: ServerAddress) throws { try access.validate(for: address) }
}
