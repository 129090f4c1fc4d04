internal import Glibc
internal import NIOCore
internal import NIOSSL

/// What went wrong in TLS, in words.
enum TLSFailure {
  /// - Parameters:
  ///   - certificate: The peer's, as far as it is known: it tells why it was not trusted.
  ///   - refusal: Why it was not, where that is known.
  static func reason(
    of error: any Error, certificate: NIOSSLCertificate? = nil, refusal: String? = nil
  ) -> String {
    let stack: NIOBoringSSLErrorStack
    switch error {
    case NIOSSLError.uncleanShutdown: return "the peer closed without ending TLS"
    case NIOSSLError.handshakeFailed(.sslError(let errors)): stack = errors
    case NIOSSLError.handshakeFailed(.unknownError(let errors)): stack = errors
    case BoringSSLError.sslError(let errors): stack = errors
    case BoringSSLError.unknownError(let errors): stack = errors
    default: return "\(error)"
    }
    guard let first = stack.first else { return "TLS failed" }
    let text = text(of: "\(first)")
    guard text == untrusted, let doubt = refusal ?? certificate.map(doubt) else { return text }
    return "\(text): \(doubt)"
  }

  static let untrusted = "the peer's certificate is not trusted"

  private static func doubt(about certificate: NIOSSLCertificate) -> String {
    let now = time(nil)
    if certificate.notValidAfter < now { return "it has expired" }
    if certificate.notValidBefore > now { return "it is not valid yet" }
    return "it does not come from an authority that is trusted here"
  }

  static func wrongName(_ certificate: PeerCertificate?, _ expected: ServerName) -> String {
    let names = certificate?.alternativeNames ?? []
    let found =
      names.isEmpty ? "no name" : names.map { "\($0)" }.joined(separator: ", ")
    return "the peer's certificate is for \(found), not for \(expected)"
  }

  /// Whether the peer left without a word, as port probes do.
  static func isDisconnect(_ error: any Error) -> Bool {
    if case NIOSSLError.handshakeFailed(.sslError(let errors)) = error {
      return errors == [.eofDuringHandshake]
    }
    if case NIOSSLError.uncleanShutdown = error { return true }
    return error is ChannelError || error is IOError
  }

  /// - Parameter description: One error of BoringSSL:
  ///   `Error: N error:N:SSL routines:OPENSSL_internal:REASON at FILE:LINE`.
  static func text(of description: String) -> String {
    let marker = "OPENSSL_internal:"
    guard let start = description.firstRange(of: marker)?.upperBound else {
      // "Error:  EOF during handshake"
      return String(description.drop { $0 != " " }.drop { $0 == " " })
    }
    let reason = description[start...].prefix { $0 != " " }
    return switch reason {
    case "HTTP_REQUEST", "WRONG_VERSION_NUMBER":
      "the peer does not speak TLS (\(reason))"
    case "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the peer showed no certificate"
    case "CERTIFICATE_VERIFY_FAILED": untrusted
    case let alert where alert.contains("CERTIFICATE_REQUIRED"):
      "the peer asks for a certificate"
    case let alert where alert.contains("ALERT_UNKNOWN_CA"):
      "the peer does not trust the authority of the certificate it was shown"
    case let alert where alert.contains("ALERT_CERTIFICATE_UNKNOWN"):
      "the peer does not accept the certificate it was shown"
    case let alert where alert.contains("ALERT_CERTIFICATE_EXPIRED"):
      "the peer was shown a certificate that has expired"
    case let alert where alert.contains("ALERT_NO_APPLICATION_PROTOCOL"):
      "the peer does not offer h2 by ALPN"
    case let alert where alert.contains("ALERT_PROTOCOL_VERSION"):
      "the peer speaks no TLS version from 1.2 on"
    case "UNSUPPORTED_PROTOCOL": "the peer speaks no TLS version from 1.2 on"
    default: String(reason)
    }
  }
}
