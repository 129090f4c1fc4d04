internal import ArgumentParser
internal import GRPC
internal import TrustedFiles

/// How this program shows a host who it is, and makes sure that it is the host.
struct HostAccess {
  /// Speak TLS; so do the files and names below.
  let usesTLS: Bool
  let authorityFile: String?
  let certificateFile: String?
  let keyFile: String?
  let serverName: String?
  let tokenFile: String?
  /// Whether a token may go to another machine without TLS.
  let isRemoteAllowed: Bool
  /// What the names of the options begin with, for messages: "", or "variables-".
  let prefix: String

  init(
    usesTLS: Bool, authorityFile: String?, certificateFile: String?, keyFile: String?,
    serverName: String?, tokenFile: String?, isRemoteAllowed: Bool, prefix: String
  ) {
    self.usesTLS =
      usesTLS || [authorityFile, certificateFile, keyFile, serverName].contains { $0 != nil }
    self.authorityFile = authorityFile
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.serverName = serverName
    self.tokenFile = tokenFile
    self.isRemoteAllowed = isRemoteAllowed
    self.prefix = prefix
  }

  func validate() throws {
    if (certificateFile == nil) != (keyFile == nil) {
      throw ValidationError("--\(prefix)tls-certificate and --\(prefix)tls-key go together")
    }
  }

  func validate(for address: ServerAddress) throws {
    if usesTLS && address.port == nil {
      throw ValidationError("TLS is for TCP addresses: hosts speak plaintext on Unix sockets")
    }
    if tokenFile != nil && !usesTLS && !address.isLocal && !isRemoteAllowed {
      throw ValidationError(
        "\(address) may be on another machine: a token needs TLS (--\(prefix)tls), or "
          + "--\(prefix)insecure-remote if the network in between is yours alone")
    }
  }

  func makeClient(
    of address: ServerAddress, _ configuration: ClientConfiguration
  ) throws(TransportError) -> GRPCClient {
    var configuration = configuration
    // The check of the path, in `makeMetadata`, is of a moment before.
    configuration.requiresOwnSocket = tokenFile != nil
    guard usesTLS else { return GRPCClient(target: address, configuration: configuration) }
    var tls = TLSConfiguration(authorityFile: authorityFile, serverName: serverName)
    if let certificateFile, let keyFile {
      tls.identity = .init(certificateFile: certificateFile, keyFile: keyFile)
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
