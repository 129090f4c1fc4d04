import Logging
import NIOCore
import NIOPosix
import Testing
import Threads

@testable import GRPC

/// Who takes turns with strangers, and who does not: on loops that have no time for strangers.
@Suite(.timeLimit(.minutes(5))) struct StrangersTests {
  private struct Token: CallAdmission {
    var asksForCredentials: Bool { true }
    func admit(_ call: ArrivingCall) throws(RPCError) {
      if call.values(of: "authorization").isEmpty { throw RPCError(.unauthenticated, "who?") }
    }
  }

  private final class Service {
    let server: GRPCServer
    let target: ServerAddress

    init(_ admission: [any CallAdmission], _ security: TransportSecurity = .plaintext) throws {
      server = GRPCServer(
        methods: [.unary("/t/Echo") { request, _ throws(RPCError) in request }], eventLoops: 1,
        admission: admission, logger: TestService.quiet)
      target = try server.listen(on: .tcp(host: "127.0.0.1", port: 0), security: security)
    }

    deinit { server.shutDown(grace: .zero) }

    /// From now on strangers have had all their time.
    func refuseTime() throws {
      let loop = server.group.next()
      try loop.submit { [server] in server.strangerTurns(of: loop).charge(.hours(10)) }.wait()
    }
  }

  private static let withToken: CallOptions = {
    var metadata = Metadata()
    metadata.add("Bearer x", for: "authorization")
    return CallOptions(metadata: metadata)
  }()

  /// Nothing is said to a stranger: its call ends with its own deadline, which is all that it waits for.
  private func expectNoAnswer(
    _ client: GRPCClient, _ options: CallOptions = CallOptions(),
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    var options = options
    options.timeout = .milliseconds(200)
    options.waitsForReady = true
    let error = try await failure(sourceLocation: sourceLocation) { () async throws(RPCError) in
      _ = try await client.unary("/t/Echo", [1], options: options)
    }
    #expect(error.code == .deadlineExceeded, sourceLocation: sourceLocation)
  }

  @Test func whoHasShownATokenWaitsForNobody() async throws {
    let service = try Service([Token()])
    let known = GRPCClient(target: service.target)
    #expect(try await known.unary("/t/Echo", [1], options: Self.withToken).message == [1])
    let stranger = GRPCClient(target: service.target)
    let refused = try await failure { () async throws(RPCError) in
      _ = try await stranger.unary("/t/Echo", [1])
    }
    #expect(refused.code == .unauthenticated)
    try service.refuseTime()
    try await expectNoAnswer(stranger)
    #expect(try await known.unary("/t/Echo", [2], options: Self.withToken).message == [2])
    // Nor is anybody let in.
    let other = GRPCClient(target: service.target)
    try await expectNoAnswer(other, Self.withToken)
    #expect(try await known.unary("/t/Echo", [3], options: Self.withToken).message == [3])
  }

  @Test func nobodyIsAStrangerWhereNobodyIsAsked() async throws {
    let service = try Service([])
    try service.refuseTime()
    let client = GRPCClient(target: service.target)
    #expect(try await client.unary("/t/Echo", [1]).message == [1])
  }

  @Test func whoHasShownACertificateWaitsForNobody() async throws {
    let files = try TestCertificates()
    let service = try Service(
      [],
      .tls(TLSConfiguration(identity: files.server.identity, authorityFile: files.authority.path)))
    let tls = TLSConfiguration(
      identity: files.client.identity, authorityFile: files.authority.path)
    let known = try GRPCClient(target: service.target, tls: tls)
    #expect(try await known.unary("/t/Echo", [1]).message == [1])
    try service.refuseTime()
    #expect(try await known.unary("/t/Echo", [2]).message == [2])
    try await expectNoAnswer(GRPCClient(target: service.target, tls: tls))
  }

  /// TLS alone asks nobody.
  @Test func whoNeedsNoCertificateIsNoStranger() async throws {
    let files = try TestCertificates()
    let service = try Service([], .tls(TLSConfiguration(identity: files.server.identity)))
    try service.refuseTime()
    let client = try GRPCClient(
      target: service.target, tls: TLSConfiguration(authorityFile: files.authority.path))
    #expect(try await client.unary("/t/Echo", [1]).message == [1])
  }
}
