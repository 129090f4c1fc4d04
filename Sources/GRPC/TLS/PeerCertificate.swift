internal import NIOSSL

/// The names in a certificate that TLS has verified.
public struct PeerCertificate: Sendable, Hashable, CustomStringConvertible {
  /// A subject alternative name (RFC 5280 section 4.2.1.6).
  public enum Name: Sendable, Hashable, CustomStringConvertible {
    /// A host name, which may begin with `*.`.
    case dns(String)
    /// A URI, for example a SPIFFE ID.
    case uri(String)
    /// A mail address.
    case email(String)
    /// An IP address: 4 bytes or 16, in network order.
    case ip([UInt8])

    /// As OpenSSL writes it: `DNS:host`, `URI:…`, `email:…`, `IP:…`.
    public var description: String {
      switch self {
      case .dns(let name): "DNS:\(name)"
      case .uri(let uri): "URI:\(uri)"
      case .email(let address): "email:\(address)"
      case .ip(let bytes) where bytes.count == 4:
        "IP:" + bytes.map { String($0) }.joined(separator: ".")
      case .ip(let bytes):
        "IP:"
          + stride(from: 0, to: bytes.count - 1, by: 2).map {
            String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16)
          }.joined(separator: ":")
      }
    }
  }

  /// The common name of the subject; nil when it has none.
  public let commonName: String?
  /// The subject alternative names of the kinds above, in the certificate's order. Where there are
  /// any, they count, and not the common name (RFC 9525 section 2).
  public let alternativeNames: [Name]

  init(_ certificate: NIOSSLCertificate) {
    commonName = (try? certificate.toDERBytes()).flatMap { DERCertificate.commonName(of: $0) }
    alternativeNames = certificate._subjectAlternativeNames().compactMap { name in
      let bytes = name.contents.withUnsafeBufferPointer { Array($0) }
      let text = String(decoding: bytes, as: UTF8.self)
      return switch name.nameType {
      case .dnsName: .dns(text)
      case .uri: .uri(text)
      case .email: .email(text)
      case .ipAddress: .ip(bytes)
      default: nil
      }
    }
  }

  /// `CN=name, DNS:host, URI:spiffe://…`
  public var description: String {
    let names = (commonName.map { ["CN=\($0)"] } ?? []) + alternativeNames.map { "\($0)" }
    return names.joined(separator: ", ")
  }
}
