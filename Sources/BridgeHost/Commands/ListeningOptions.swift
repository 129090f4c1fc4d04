internal import ArgumentParser
internal import GRPC
internal import GRPCServices
internal import Logging

/// Where `bridge-host serve` listens, and who is let in.
struct ListeningOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Address to listen on; may be repeated.",
      discussion: """
        127.0.0.1:50051, [::1]:50051 or unix:/run/bridge.sock. Port 0 takes a free one. A Unix \
        socket is for this user alone (permissions 0600) and never speaks TLS. [::]:PORT takes \
        IPv4 as well. Without --listen, --host and --port name the only address.
        """,
      valueName: "address"),
    transform: ServerAddress.listeningArgument)
  var listen: [ServerAddress] = []

  @Option(help: "Host of one more TCP address. (default: 127.0.0.1)")
  var host: String?

  @Option(0...65_535, help: "Port of that address; 0 takes a free one. (default: 0)")
  var port: Int?

  @Option(
    help: ArgumentHelp(
      "PEM file of the server's certificate and those above it.",
      discussion: """
        Makes every TCP address speak TLS, 1.2 or newer. These files are read again when they \
        change; open connections go on.
        """,
      valueName: "file"))
  var tlsCertificate: FilePath?

  @Option(help: ArgumentHelp("PEM file of the certificate's private key.", valueName: "file"))
  var tlsKey: FilePath?

  @Option(
    help: ArgumentHelp(
      "PEM file of authorities; clients must show a certificate of one of them.",
      valueName: "file"))
  var tlsClientCa: FilePath?

  @Option(
    help: ArgumentHelp(
      "File of tokens, one a line; every call must carry one of them.",
      discussion: """
        Clients send the metadata "authorization: Bearer TOKEN". Health checks need none. The file \
        is read again when it changes.
        """,
      valueName: "file"))
  var tokenFile: FilePath?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Serve other machines without TLS, or without asking who they are.",
      discussion: """
        An address that other machines reach is refused unless it has TLS and --tls-client-ca or \
        --token-file: clients run tools as you.
        """))
  var insecureRemote = false

  /// The methods of the health service, which load balancers call without a token.
  private static let healthPaths = Set(HealthMethods.all.map(\.path))

  /// Every address: that of --host and --port first, when there is one.
  private var addresses: [ServerAddress] {
    if !listen.isEmpty && host == nil && port == nil { return listen }
    return [.tcp(host: host ?? "127.0.0.1", port: port ?? 0)] + listen
  }

  /// Whether a TCP address lets in whoever reaches it.
  var letsAnyUserCall: Bool {
    tokenFile == nil && tlsClientCa == nil && addresses.contains { $0.port != nil }
  }

  func validate() throws {
    if let twice = addresses.indices.first(where: { index in
      addresses[index].port != 0 && addresses[..<index].contains(addresses[index])
    }) {
      throw ValidationError("\(addresses[twice]) is given twice")
    }
    if (tlsCertificate == nil) != (tlsKey == nil) {
      throw ValidationError("--tls-certificate and --tls-key go together")
    }
    if tlsClientCa != nil && tlsCertificate == nil {
      throw ValidationError("--tls-client-ca needs --tls-certificate and --tls-key")
    }
    if tlsCertificate != nil && !addresses.contains(where: { $0.port != nil }) {
      throw ValidationError("--tls-certificate is for TCP addresses, and there is none")
    }
    if !insecureRemote, let remote = addresses.first(where: { !$0.isLocal }) {
      try validate(remote: remote)
    }
  }

  private func validate(remote: ServerAddress) throws {
    var missing: [String] = []
    if tlsCertificate == nil { missing.append("TLS (--tls-certificate and --tls-key)") }
    if tlsClientCa == nil && tokenFile == nil {
      missing.append("a way to know clients (--tls-client-ca or --token-file)")
    }
    guard !missing.isEmpty else { return }
    throw ValidationError(
      "\(remote) may be reached from other machines, whose calls run tools as you: it needs "
        + "\(missing.joined(separator: " and ")), or --insecure-remote if the network around it is "
        + "yours alone")
  }

  /// What decides which calls come in; nil lets all in.
  func makeAdmission(_ logger: Logger) throws(TransportError) -> TokenAdmission? {
    guard let tokenFile else { return nil }
    return try TokenAdmission(
      file: tokenFile.path, exemptPaths: Self.healthPaths, logger: logger)
  }

  /// Listens on every address.
  ///
  /// - Returns: The addresses with the ports that were taken, in the order they were given.
  func open(_ server: GRPCServer) throws(TransportError) -> [ServerAddress] {
    var bound: [ServerAddress] = []
    for address in addresses {
      let security = address.port == nil ? .plaintext : tcpSecurity
      bound.append(try server.listen(on: address, security: security))
    }
    return bound
  }

  private var tcpSecurity: TransportSecurity {
    guard let tlsCertificate, let tlsKey else { return .plaintext }
    return .tls(
      TLSConfiguration(
        identity: .init(certificateFile: tlsCertificate.path, keyFile: tlsKey.path),
        authorityFile: tlsClientCa?.path))
  }
}
