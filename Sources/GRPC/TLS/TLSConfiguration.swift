public import NIOCore

/// What one side of a TLS connection shows, and whom it trusts. Servers and clients share it.
///
/// TLS 1.2 is the least version, and both sides must agree on HTTP/2 by ALPN (RFC 9113
/// section 3.2).
public struct TLSConfiguration: Sendable, Hashable {
  /// A certificate and its private key, each in a PEM file.
  public struct Identity: Sendable, Hashable {
    /// The certificate, followed by those that lead from it to an authority.
    public var certificateFile: String
    /// The key of the first certificate, unencrypted.
    public var keyFile: String

    /// Names the two files; they are read by `GRPCServer.listen` and `GRPCClient.init`.
    public init(certificateFile: String, keyFile: String) {
      self.certificateFile = certificateFile
      self.keyFile = keyFile
    }
  }

  /// What this side shows. A server needs one; a client has one for servers that ask for it.
  public var identity: Identity?

  /// A PEM file of the authorities whose certificates are accepted from the other side.
  ///
  /// Nil lets a server ask its clients for no certificate, and a client trust the authorities of
  /// the system. With a file, a server admits only clients whose certificate it can verify. Every
  /// certificate of the file is an anchor, whatever it says of itself: one that is not an authority's
  /// admits its owner alone.
  ///
  /// A connection ends when the peer's certificate, or one above it, expires.
  public var authorityFile: String?

  /// The host name or IP address that the server's certificate must be for; nil takes the host of
  /// the address that is called. Clients only.
  public var serverName: String?

  /// How long the other side may take for the handshake.
  public var handshakeTimeout: TimeAmount = .seconds(10)

  /// Makes a configuration; see the properties for what nil means.
  public init(
    identity: Identity? = nil, authorityFile: String? = nil, serverName: String? = nil
  ) {
    self.identity = identity
    self.authorityFile = authorityFile
    self.serverName = serverName
  }
}

/// What protects the connections of one listener.
public enum TransportSecurity: Sendable, Hashable {
  /// HTTP/2 by prior knowledge: nobody but the operating system keeps others away.
  case plaintext
  /// TLS, with certificates that are read again when their files change. Open connections keep
  /// theirs.
  case tls(TLSConfiguration)
}
