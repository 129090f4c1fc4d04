internal import NIOCore

/// The other end of a connection.
public struct Peer: Sendable, Hashable, CustomStringConvertible {
  /// Its address as gRPC writes them: `ipv4:127.0.0.1:50051`, `ipv6:[::1]:50051`, `unix:`.
  public let address: String
  /// Who it is by its certificate; nil without one. TLS has verified it.
  public let certificate: PeerCertificate?
  /// Which machine it is on.
  package let host: PeerHost

  init(address: SocketAddress?, certificate: PeerCertificate?) {
    self.address =
      switch address {
      case .v4(let v4): "ipv4:\(address?.ipAddress ?? ""):\(UInt16(bigEndian: v4.address.sin_port))"
      case .v6(let v6):
        "ipv6:[\(address?.ipAddress ?? "")]:\(UInt16(bigEndian: v6.address.sin6_port))"
      // Clients of Unix domain sockets seldom have a path of their own.
      case .unixDomainSocket, nil: "unix:\(address?.pathname ?? "")"
      }
    self.certificate = certificate
    host = PeerHost(address)
  }

  /// The address, and the names of the certificate if there is one.
  public var description: String {
    certificate.map { "\(address) (\($0))" } ?? address
  }
}
