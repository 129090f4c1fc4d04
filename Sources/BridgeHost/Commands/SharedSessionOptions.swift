internal import ArgumentParser
internal import BridgeCluster
internal import GRPC
internal import NIOCore

/// The options that make a host use the sessions of another one.
struct SharedSessionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Host that holds the sessions: HOST:PORT, [IPV6]:PORT or unix:PATH.",
      discussion: """
        Tools here read, write and watch the variables there, and the RPCs of sessions and variables \
        are forwarded: several workers of a pool share sessions by that.
        """,
      valueName: "address"),
    transform: ServerAddress.argument)
  var variablesFrom: ServerAddress?

  @Flag(
    inversion: .prefixedNo,
    help: "Speak TLS with that host; see the --tls options of the client commands.")
  var variablesTls = false

  @Option(
    help: ArgumentHelp("PEM file of authorities for that host's certificate.", valueName: "file"))
  var variablesTlsCa: String?

  @Option(help: ArgumentHelp("PEM file of a certificate to show to that host.", valueName: "file"))
  var variablesTlsCertificate: String?

  @Option(help: ArgumentHelp("PEM file of that certificate's private key.", valueName: "file"))
  var variablesTlsKey: String?

  @Option(
    help: ArgumentHelp(
      "Name or IP address that the host's certificate must be for, if not that of the address.",
      valueName: "name"))
  var variablesTlsServerName: String?

  @Option(
    help: ArgumentHelp("File whose first token every call to that host carries.", valueName: "file")
  )
  var variablesTokenFile: String?

  @Flag(inversion: .prefixedNo, help: "Send that token to another machine without TLS.")
  var variablesInsecureRemote = false

  @Option(
    help: ArgumentHelp(
      "Key of a tool call's metadata that names the session it works in.",
      discussion: "A call without it works in the session of its request.", valueName: "key"))
  var sessionKey: String?

  private var access: HostAccess {
    HostAccess(
      usesTLS: variablesTls, authorityFile: variablesTlsCa,
      certificateFile: variablesTlsCertificate, keyFile: variablesTlsKey,
      serverName: variablesTlsServerName, tokenFile: variablesTokenFile,
      isRemoteAllowed: variablesInsecureRemote, prefix: "variables-")
  }

  func validate() throws {
    try access.validate()
    guard let variablesFrom else {
      let files = [
        variablesTlsCa, variablesTlsCertificate, variablesTlsServerName, variablesTokenFile,
      ]
      if files.contains(where: { $0 != nil }) {
        throw ValidationError("the --variables options go with --variables-from")
      }
      return
    }
    if variablesFrom.port == 0 {
      throw ValidationError("--variables-from names the port 0, which none has")
    }
    try access.validate(for: variablesFrom)
  }

  /// The host that holds the sessions; nil when this one does.
  ///
  /// - Parameter createsSessions: Whether a tool's call makes the session it names.
  func makeHost(createsSessions: Bool) throws -> SessionHost? {
    guard let variablesFrom else { return nil }
    var configuration = ClientConfiguration()
    // What a host sends is bounded by what it was given.
    configuration.messageSize = Int(Int32.max)
    // Watches are never silent for so long: their heartbeats come more often.
    configuration.keepalive = ClientConfiguration.Keepalive(time: .seconds(60))
    return SessionHost(
      try access.makeClient(of: variablesFrom, configuration), at: variablesFrom,
      metadata: try access.makeMetadata(for: variablesFrom), createsSessions: createsSessions)
  }
}
