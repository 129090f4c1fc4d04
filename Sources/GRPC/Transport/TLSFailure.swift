internal import NIOCore
internal import NIOSSL

/// What went wrong in TLS, in words.
enum TLSFailure {
  static func reason(of error: any Error) -> String {
    let stack: NIOBoringSSLErrorStack
    switch error {
    case NIOSSLError.uncleanShutdown: return "the peer closed without ending TLS"
    case NIOSSLError.handshakeFailed(.sslError(let errors)): stack = errors
    case NIOSSLError.handshakeFailed(.unknownError(let errors)): stack = errors
    case BoringSSLError.sslError(let errors): stack = errors
    case BoringSSLError.unknownError(let errors): stack = errors
    default: return "\(error)"
    }
    return stack.first.map { text(of: "\($0)") } ?? "TLS failed"
  }

  /// Whether the peer left before it had said anything wrong, as port probes do.
  static func isDisconnect(_ error: any Error) -> Bool {
    if case NIOSSLError.handshakeFailed(.sslError(let errors)) = error {
      return errors == [.eofDuringHandshake]
    }
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
    case "CERTIFICATE_VERIFY_FAILED": "the peer's certificate is not trusted"
    case "UNSUPPORTED_PROTOCOL": "the peer speaks no TLS version from 1.2 on"
    default: String(reason)
    }
  }
}
