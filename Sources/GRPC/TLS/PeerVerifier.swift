internal import Glibc
internal import NIOCore
internal import NIOSSL
internal import Threads

/// Verifies the peers of all connections of one TLS context, and knows how long each may stay.
///
/// A TLS session that is resumed brings no certificates to verify: what counts then is when those end
/// that were verified as it began (RFC 8446 section 4.6.1). Thread-safe.
final class PeerVerifier: Sendable {
  private let verifier: CertificateVerifier
  /// Seconds since 1970.
  let clock: @Sendable () -> Int
  /// When the chains of certificates that were verified end to be valid.
  private let ends = Locked<[NIOSSLCertificate: Int]>([:])

  /// So many are remembered; those that are forgotten are verified again by themselves.
  private static let remembered = 1000

  init(
    anchors: [NIOSSLCertificate], peer: CertificateVerifier.Peer,
    clock: @escaping @Sendable () -> Int = { time(nil) }
  ) throws(TransportError) {
    self.verifier = try CertificateVerifier(anchors: anchors, peer: peer)
    self.clock = clock
  }

  /// Verifies what a peer shows in a handshake, its own certificate first.
  ///
  /// - Returns: When its chain ends to be valid.
  func verify(_ certificates: [NIOSSLCertificate]) throws(CertificateVerifier.Refusal) -> Int {
    let now = clock()
    let end = try verifier.verify(certificates, at: now)
    if let first = certificates.first {
      ends.withLock { ends in
        if ends.count >= Self.remembered { ends = ends.filter { $0.value >= now } }
        if ends.count >= Self.remembered, let any = ends.keys.first { ends[any] = nil }
        ends[first] = end
      }
    }
    return end
  }

  /// Judges the peer of a TLS session that was resumed.
  ///
  /// - Returns: When the chain ends to be valid that was verified as the session began.
  func verifyResumed(
    _ certificate: NIOSSLCertificate?
  ) throws(CertificateVerifier.Refusal) -> Int {
    guard let certificate else { throw .init(reason: "there is none") }
    guard let end = ends.withLock({ $0[certificate] }) else { return try verify([certificate]) }
    if end < clock() { throw .init(reason: CertificateVerifier.Refusal.expired) }
    return end
  }
}

/// What was found out about the peer of one connection. Belongs to the event loop.
final class PeerCheck {
  let verifier: PeerVerifier
  /// What the handshake came to; nil without one, as a TLS session that is resumed has none.
  private(set) var outcome: Result<Int, CertificateVerifier.Refusal>?

  init(_ verifier: PeerVerifier) { self.verifier = verifier }

  /// Why the peer was refused.
  var refusal: String? {
    if case .failure(let refusal) = outcome { refusal.reason } else { nil }
  }

  /// For NIOSSL, which calls it with the certificates that the peer shows.
  var callback: NIOSSLCustomVerificationCallback {
    { certificates, promise in
      do throws(CertificateVerifier.Refusal) {
        self.outcome = .success(try self.verifier.verify(certificates))
        promise.succeed(.certificateVerified)
      } catch {
        self.outcome = .failure(error)
        promise.succeed(.failed)
      }
    }
  }

  /// When the peer's certificate, or one above it, ends to be valid; once the handshake is through.
  func end(of certificate: NIOSSLCertificate?) throws(CertificateVerifier.Refusal) -> Int {
    guard let outcome else { return try verifier.verifyResumed(certificate) }
    return try outcome.get()
  }
}
