internal import CNIOBoringSSL
internal import Glibc
internal import NIOSSL

/// Verifies the certificates of peers against the authorities of one file.
///
/// NIOSSL leaves no choice in how BoringSSL does this; here it takes every certificate of the file for
/// an anchor, whatever else the certificate says of itself (partial chains). So a certificate that
/// is its own anchor verifies, as it does with OpenSSL's `-partial_chain`, Go and gRPC's C core. It also
/// tells when the chain it found ends to be valid. Thread-safe.
///
/// BoringSSL's functions: https://commondatastorage.googleapis.com/chromium-boringssl-docs/x509.h.html
// @unchecked: the store is not changed once it is made; verifying with one is thread-safe.
final class CertificateVerifier: @unchecked Sendable {
  /// Whose certificates are verified.
  enum Peer: String {
    case client = "ssl_client"
    case server = "ssl_server"
  }

  /// Why a certificate was not accepted: what BoringSSL says, in words.
  struct Refusal: Error, Hashable {
    let reason: String

    static let expired = "it has expired"
  }

  private let store: OpaquePointer
  private let peer: Peer

  init(anchors: [NIOSSLCertificate], peer: Peer) throws(TransportError) {
    guard let store = X509_STORE_new() else { fatalError("out of memory") }
    self.store = store
    self.peer = peer
    for anchor in anchors {
      let certificate = try Self.certificate(anchor)
      // The store keeps a reference of its own. 0 is lack of memory.
      precondition(X509_STORE_add_cert(store, certificate) == 1, "out of memory")
      X509_free(certificate)
    }
  }

  deinit { X509_STORE_free(store) }

  /// Verifies a peer's certificate.
  ///
  /// - Parameters:
  ///   - certificates: As the peer showed them, its own first.
  ///   - time: In seconds since 1970.
  /// - Returns: The last second at which all certificates of the chain to an anchor are valid,
  ///   likewise.
  func verify(
    _ certificates: [NIOSSLCertificate], at time: Int
  ) throws(Refusal) -> Int {
    guard let context = X509_STORE_CTX_new(), let untrusted = OPENSSL_sk_new_null() else {
      fatalError("out of memory")
    }
    var shown: [OpaquePointer] = []
    defer {
      X509_STORE_CTX_free(context)
      OPENSSL_sk_free(untrusted)
      for certificate in shown { X509_free(certificate) }
    }
    for certificate in certificates {
      guard let certificate = try? Self.certificate(certificate) else {
        throw Refusal(reason: "it is damaged")
      }
      shown.append(certificate)
      // The stack does not own what is in it. 0 is lack of memory.
      precondition(
        OPENSSL_sk_push(untrusted, UnsafeMutableRawPointer(certificate)) > 0, "out of memory")
    }
    guard let first = shown.first else { throw Refusal(reason: "there is none") }
    // 1, or 0 for lack of memory and for names that are not known.
    precondition(
      X509_STORE_CTX_init(context, store, first, untrusted) == 1
        && X509_STORE_CTX_set_default(context, peer.rawValue) == 1)
    X509_STORE_CTX_set_flags(context, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    X509_STORE_CTX_set_time_posix(context, 0, Int64(time))
    guard X509_verify_cert(context) == 1 else {
      throw Refusal(reason: Self.reason(of: context))
    }
    return Self.end(of: X509_STORE_CTX_get0_chain(context))
  }

  private static func end(of chain: OpaquePointer?) -> Int {
    var end = Int.max
    for index in 0..<OPENSSL_sk_num(chain) {
      guard let certificate = OPENSSL_sk_value(chain, index).map({ OpaquePointer($0) }) else {
        continue
      }
      var time: Int64 = 0
      // 1, or 0 for a time that is none; BoringSSL has verified it.
      guard ASN1_TIME_to_posix(X509_get0_notAfter(certificate), &time) == 1 else { continue }
      // To BoringSSL the second that is named is the first one after the end.
      end = min(end, Int(time) - 1)
    }
    return end
  }

  private static func certificate(
    _ certificate: NIOSSLCertificate
  ) throws(TransportError) -> OpaquePointer {
    guard let bytes = try? certificate.toDERBytes() else {
      throw TransportError("a certificate is damaged")
    }
    let parsed = bytes.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      return d2i_X509(nil, &start, bytes.count)
    }
    guard let parsed else { throw TransportError("a certificate is damaged") }
    return parsed
  }

  private static func reason(of context: OpaquePointer) -> String {
    let isPeers = X509_STORE_CTX_get_error_depth(context) == 0
    let code = X509_STORE_CTX_get_error(context)
    switch code {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return isPeers ? Refusal.expired : "the certificate of its authority has expired"
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return isPeers
        ? "it is not valid yet" : "the certificate of its authority is not valid yet"
    case X509_V_ERR_INVALID_PURPOSE: return "it is not for this use"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
      X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "it does not come from an authority that is trusted here"
    default: return String(cString: X509_verify_cert_error_string(Int(code)))
    }
  }
}
