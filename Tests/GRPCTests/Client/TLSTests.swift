import NIOCore
import NIOPosix
import Testing

@testable import GRPC

/// The client and the server of this package over TLS: who is let in, and what is said to the others.
@Suite(.timeLimit(.minutes(5))) struct TLSTests {
  private let files: TestCertificates

  init() throws { files = try TestCertificates() }

  private func service(
    _ server: TestCertificates.Pair? = nil, clients authority: TemporaryFile? = nil
  ) throws -> TestService {
    let tls = TLSConfiguration(
      identity: (server ?? files.server).identity, authorityFile: authority?.path)
    return try TestService(security: .tls(tls))
  }

  private func client(
    _ target: ServerAddress, _ identity: TestCertificates.Pair? = nil,
    trusting authority: TemporaryFile? = nil, as name: String? = nil
  ) throws -> GRPCClient {
    let tls = TLSConfiguration(
      identity: identity?.identity, authorityFile: (authority ?? files.authority).path,
      serverName: name)
    return try GRPCClient(target: target, tls: tls)
  }

  /// The message of the UNAVAILABLE that a call ends with.
  private func refusal(
    of client: GRPCClient, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> String {
    let error = try await failure(sourceLocation: sourceLocation) { () async throws(RPCError) in
      _ = try await client.unary("/test/Echo", [])
    }
    #expect(error.code == .unavailable, sourceLocation: sourceLocation)
    return error.message
  }

  private func expectEcho(_ client: GRPCClient) async throws {
    #expect(try await client.unary("/test/Echo", bytes("hello")).message == bytes("hello"))
  }

  // MARK: Who is let in

  @Test func callsAreMadeOverTLS() async throws {
    let service = try service()
    let client = try client(service.target)
    try await expectEcho(client)
    let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(try await client.unary("/test/Echo", large).message == large)
    var count = 0
    for try await message in client.serverStream("/test/Produce", bytes("10000 100")) {
      #expect(message.count == 100)
      count += 1
    }
    #expect(count == 10_000)
    await client.shutDown()
  }

  @Test(arguments: ["localhost", "LOCALHOST.", "any.example.test", "127.0.0.1"])
  func serversAreKnownByTheirNames(name: String) async throws {
    let service = try service()
    try await expectEcho(client(service.target, as: name))
  }

  @Test func aNameOfTheAddressIsVerified() async throws {
    let service = try service()
    try await expectEcho(client(.tcp(host: "localhost", port: service.port)))
    let elsewhere = try self.service(files.elsewhere)
    try await expectEcho(client(elsewhere.target, as: "elsewhere.test"))
  }

  @Test func aClientShowsItsCertificate() async throws {
    let service = try service(clients: files.authority)
    let client = try client(service.target, files.client)
    let peer = text(try await client.unary("/test/Peer", []).message)
    #expect(peer.contains("CN=client, DNS:client.test"))
  }

  @Test func connectionsAreMadeAgain() async throws {
    let service = try service()
    let tls = TLSConfiguration(authorityFile: files.authority.path)
    var configuration = ClientConfiguration()
    configuration.idleTimeout = .milliseconds(20)
    let client = try GRPCClient(target: service.target, tls: tls, configuration: configuration)
    let dispatcher = client.dispatcher
    for _ in 0..<3 {
      try await expectEcho(client)
      try await eventually {
        (try? dispatcher.eventLoop.submit { dispatcher.connections.isEmpty }.wait()) == true
      }
    }
  }

  // MARK: Who is not

  @Test func otherNamesAreRefused() async throws {
    let service = try service()
    for (name, words) in [
      ("other.test", "other.test"), ("example.test", "example.test"),
      // The socket's address is in the certificate; it was not asked for.
      ("127.0.0.2", "IP:127.0.0.2"),
    ] {
      #expect(
        try await refusal(of: client(service.target, as: name))
          == "cannot connect to \(service.target): the TLS handshake failed: the peer's certificate "
          + "is for DNS:localhost, DNS:*.example.test, IP:127.0.0.1, not for \(words)")
    }
    // A common name is no name.
    let elsewhere = try self.service(files.elsewhere)
    let message = try await refusal(of: client(elsewhere.target, as: "localhost"))
    #expect(message.hasSuffix("is for DNS:elsewhere.test, not for localhost"))
  }

  @Test func strangersAreRefused() async throws {
    let service = try service()
    // A client trusts nobody but who signed; a certificate of the same authority has not.
    let message = try await refusal(of: client(service.target, trusting: files.client.certificate))
    #expect(
      message == "cannot connect to \(service.target): the TLS handshake failed: the peer's "
        + "certificate is not trusted: it does not come from an authority that is trusted here")
    // The authorities of the system do not know it either.
    let system = try GRPCClient(target: service.target, tls: TLSConfiguration())
    #expect(try await refusal(of: system).contains("not trusted"))
  }

  @Test func expiredServersAreRefused() async throws {
    let service = try service(files.expired)
    #expect(
      try await refusal(of: client(service.target)).hasSuffix(
        "the peer's certificate is not trusted: it has expired"))
  }

  @Test func clientsThatAServerDoesNotKnowAreToldSo() async throws {
    let service = try service(clients: files.authority)
    // What a server of TLS 1.3 says arrives after the handshake, unless the connection is gone first.
    let gone = "it may refuse the client's certificate, or the lack of one"
    let message = try await refusal(of: client(service.target))
    #expect(message.contains("the peer asks for a certificate") || message.contains(gone))

    let strict = try self.service(clients: files.elsewhere.certificate)
    let other = try await refusal(of: client(strict.target, files.client))
    #expect(other.contains("does not accept the certificate it was shown") || other.contains(gone))
  }

  @Test func plaintextAndTLSDoNotMeet() async throws {
    let plain = try TestService()
    #expect(
      try await refusal(of: client(plain.target)).contains(
        "the TLS handshake failed: the peer does not speak TLS"))
    let service = try service()
    let message = try await refusal(of: GRPCClient(target: service.target))
    #expect(message.hasPrefix("cannot connect to \(service.target): "))
    // What the server says before it closes may be lost.
    #expect(
      ["it speaks TLS, and was called without", "before it spoke HTTP/2"].contains {
        message.contains($0)
      })
  }

  // MARK: Servers that are none

  /// A server that accepts connections, and says no more than this.
  private func mute(saying greeting: [UInt8] = []) async throws -> (any Channel, ServerAddress) {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Mute(greeting: greeting))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return (listener, .tcp(host: "127.0.0.1", port: try #require(listener.localAddress?.port)))
  }

  private final class Mute: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let greeting: [UInt8]
    init(greeting: [UInt8]) { self.greeting = greeting }
    func channelActive(context: ChannelHandlerContext) {
      context.writeAndFlush(NIOAny(ByteBuffer(bytes: greeting)), promise: nil)
    }
  }

  @Test func aServerThatNeverAnswersTheHandshakeIsGivenUp() async throws {
    let (listener, target) = try await mute()
    var tls = TLSConfiguration(authorityFile: files.authority.path)
    tls.handshakeTimeout = .milliseconds(200)
    #expect(
      try await refusal(of: GRPCClient(target: target, tls: tls))
        == "cannot connect to \(target): the TLS handshake failed: the handshake took too long")
    // The time for the connection as a whole may be shorter.
    tls.handshakeTimeout = .seconds(60)
    var configuration = ClientConfiguration()
    configuration.connectTimeout = .seconds(1)
    let message = try await refusal(
      of: GRPCClient(target: target, tls: tls, configuration: configuration))
    // Busy, the machine may not even have connected by then.
    #expect(
      [
        "cannot connect to \(target): no end of the TLS handshake came within 1.0 s",
        "cannot connect to \(target): no answer came within 1.0 s",
      ].contains(message))
    try await listener.close()
  }

  @Test func aServerOfSomethingElseIsNamed() async throws {
    let (listener, target) = try await mute(saying: bytes("220 mail.test ESMTP\r\n"))
    #expect(
      try await refusal(of: client(target)).contains(
        "the TLS handshake failed: the peer does not speak TLS"))
    try await listener.close()
  }

  // MARK: Files

  @Test func wrongFilesAreNamedBeforeAnyCall() throws {
    func message(_ tls: TLSConfiguration) -> String? {
      #expect(throws: TransportError.self) {
        try GRPCClient(target: .tcp(host: "localhost", port: 1), tls: tls)
      }?.message
    }
    #expect(
      message(TLSConfiguration(authorityFile: "/no/ca"))
        == "the authority file /no/ca cannot be read: No such file or directory")
    #expect(
      message(TLSConfiguration(authorityFile: "/tmp"))
        == "the authority file is not used: /tmp is not a regular file")
    #expect(
      message(TLSConfiguration(authorityFile: files.client.key.path))?
        .hasSuffix("contains no certificate in PEM form") == true)
    let mixed = TLSConfiguration.Identity(
      certificateFile: files.client.certificate.path, keyFile: files.server.key.path)
    #expect(
      message(TLSConfiguration(identity: mixed))
        == "the key in \(mixed.keyFile) does not belong to the first certificate in "
        + mixed.certificateFile)
    #expect(
      message(TLSConfiguration(serverName: "no name"))
        == "\"no name\" is neither a host name nor an IP address")
  }
}
