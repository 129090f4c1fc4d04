import NIOCore
import NIOEmbedded
import NIOSSL
import Synchronization
import Testing

@testable import GRPC

/// Which certificates of peers are accepted, and until when; by a clock of the test's own.
@Suite struct CertificateTests {
  private let files: TestCertificates

  init() throws { files = try TestCertificates() }

  private func certificates(_ file: TemporaryFile) throws -> [NIOSSLCertificate] {
    try NIOSSLCertificate.fromPEMFile(file.path)
  }

  private func verifier(
    _ anchors: TemporaryFile..., of peer: CertificateVerifier.Peer = .client
  ) throws -> CertificateVerifier {
    try CertificateVerifier(anchors: anchors.flatMap { try certificates($0) }, peer: peer)
  }

  /// 2020-06-01, the last second of 2019, that of 2020, the first of 2021, the last of 2119.
  private enum Time {
    static let in2020 = 1_590_969_600
    static let before2020 = 1_577_836_799
    static let endOf2020 = 1_609_459_199
    static let in2021 = 1_609_459_200
    static let in2120 = 4_733_510_399
  }

  @Test func aChainEndsWithItsFirstCertificate() throws {
    let verifier = try verifier(files.authority)
    #expect(
      try verifier.verify(certificates(files.client.certificate), at: Time.in2020) == Time.in2120)
    let expiring = try certificates(files.expired.certificate)
    #expect(try verifier.verify(expiring, at: Time.in2020) == Time.endOf2020)
    #expect(try verifier.verify(expiring, at: Time.endOf2020) == Time.endOf2020)
    #expect(throws: CertificateVerifier.Refusal(reason: "it has expired")) {
      try verifier.verify(expiring, at: Time.in2021)
    }
    // Nor was its authority.
    #expect(
      throws: CertificateVerifier.Refusal(
        reason: "the certificate of its authority is not valid yet")
    ) {
      try verifier.verify(expiring, at: Time.before2020)
    }
  }

  @Test func strangersAreRefused() throws {
    let refusal = CertificateVerifier.Refusal(
      reason: "it does not come from an authority that is trusted here")
    #expect(throws: refusal) {
      try verifier(files.server.certificate).verify(
        certificates(files.client.certificate), at: Time.in2020)
    }
    #expect(throws: CertificateVerifier.Refusal(reason: "there is none")) {
      try verifier(files.authority).verify([], at: Time.in2020)
    }
  }

  /// A certificate that was named as an authority is one, though another signed it.
  @Test func aCertificateMayBeItsOwnAnchor() throws {
    for peer in [CertificateVerifier.Peer.client, .server] {
      let verifier = try verifier(files.server.certificate, of: peer)
      #expect(
        try verifier.verify(certificates(files.server.certificate), at: Time.in2020) == Time.in2120)
    }
  }

  // MARK: Sessions that are resumed

  @Test func aResumedSessionEndsWithItsCertificate() throws {
    let clock = Clock(Time.in2020)
    let verifier = try PeerVerifier(
      anchors: certificates(files.authority), peer: .client, clock: { clock.now })
    let certificate = try certificates(files.expired.certificate)
    #expect(try verifier.verify(certificate) == Time.endOf2020)
    #expect(try verifier.verifyResumed(certificate[0]) == Time.endOf2020)
    clock.now = Time.endOf2020
    #expect(try verifier.verifyResumed(certificate[0]) == Time.endOf2020)
    clock.now = Time.in2021
    #expect(throws: CertificateVerifier.Refusal(reason: "it has expired")) {
      try verifier.verifyResumed(certificate[0])
    }
  }

  @Test func aResumedSessionOfSomebodyForgottenIsVerifiedAgain() throws {
    let clock = Clock(Time.in2020)
    let verifier = try PeerVerifier(
      anchors: certificates(files.authority), peer: .client, clock: { clock.now })
    #expect(try verifier.verifyResumed(certificates(files.client.certificate)[0]) == Time.in2120)
    #expect(throws: CertificateVerifier.Refusal.self) { try verifier.verifyResumed(nil) }
    clock.now = Time.in2021
    #expect(throws: CertificateVerifier.Refusal.self) {
      try verifier.verifyResumed(certificates(files.expired.certificate)[0])
    }
  }

  // MARK: Open connections

  @Test(arguments: [
    (100, 100, 1), (100, 99, 2), (159, 100, 60), (1_000_000, 100, 60), (100, 101, nil),
  ])
  func theEndIsLookedForEachMinute(end: Int, now: Int, seconds: Int64?) {
    #expect(CertificateExpiry.pause(until: end, now: now) == seconds.map { .seconds($0) })
  }

  /// Notes that it was told of the end.
  private final class Ending: ChannelInboundHandler {
    typealias InboundIn = Never
    var count = 0
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if event is CertificateExpired { count += 1 }
    }
  }

  @Test func aConnectionIsToldOfTheEndOnce() throws {
    let ending = Ending()
    let channel = EmbeddedChannel(handler: ending)
    channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    let clock = Clock(0)
    CertificateExpiry.watch(channel, until: 90, clock: { clock.now })
    for now in stride(from: 0, through: 90, by: 10) {
      clock.now = now
      #expect(ending.count == 0)
      channel.embeddedEventLoop.advanceTime(by: .seconds(10))
    }
    clock.now = 91
    channel.embeddedEventLoop.advanceTime(by: .seconds(60))
    #expect(ending.count == 1)
    channel.embeddedEventLoop.advanceTime(by: .hours(1))
    #expect(ending.count == 1)
    _ = try channel.finish()
  }
}

/// A clock that a test sets.
private final class Clock: Sendable {
  private let value: Atomic<Int>
  init(_ now: Int) { value = Atomic(now) }
  var now: Int {
    get { value.load(ordering: .relaxed) }
    set { value.store(newValue, ordering: .relaxed) }
  }
}
