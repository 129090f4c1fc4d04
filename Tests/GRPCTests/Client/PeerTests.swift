import NIOCore
import NIOPosix
import Testing

@testable import GRPC

/// Clients and servers that fall silent.
@Suite(.timeLimit(.minutes(5))) struct PeerTests {
  /// Says what it is told when a client connects, and nothing after that.
  private final class Mute: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let greeting: [UInt8]

    init(greeting: [UInt8]) { self.greeting = greeting }

    func channelActive(context: ChannelHandlerContext) {
      context.writeAndFlush(NIOAny(ByteBuffer(bytes: greeting)), promise: nil)
    }
  }

  private func mute(greeting: [UInt8] = []) async throws -> (any Channel, ServerAddress) {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { $0.pipeline.addHandler(Mute(greeting: greeting)) }
      .bind(host: "127.0.0.1", port: 0).get()
    return (listener, .tcp(host: "127.0.0.1", port: try #require(listener.localAddress?.port)))
  }

  /// An empty SETTINGS frame.
  private let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]

  @Test func aServerThatAnswersNoPingIsGivenUp() async throws {
    let (listener, target) = try await mute(greeting: settings)
    var configuration = ClientConfiguration()
    configuration.keepalive = ClientConfiguration.Keepalive(
      time: .milliseconds(20), timeout: .milliseconds(50))
    let client = GRPCClient(target: target, configuration: configuration)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Echo", [])
    }
    #expect(error.code == .unavailable)
    #expect(
      error.message
        == "the connection to \(target) was lost: it did not answer a ping within 0.05 s")
    try await listener.close()
  }

  @Test func aServerThatSpeaksNoHTTP2IsGivenUp() async throws {
    let (listener, target) = try await mute()
    var configuration = ClientConfiguration()
    configuration.connectTimeout = .seconds(1)
    let client = GRPCClient(target: target, configuration: configuration)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Echo", [])
    }
    #expect(error.code == .unavailable)
    // Busy, the machine may not even have connected by then.
    #expect(
      [
        "cannot connect to \(target): no HTTP/2 settings came within 1.0 s",
        "cannot connect to \(target): no answer came within 1.0 s",
      ].contains(error.message))
    try await listener.close()
  }

  @Test func aServerThatDoesNotReadHoldsUpItsWriter() async throws {
    let (listener, target) = try await mute(greeting: settings)
    let client = GRPCClient(target: target)
    let call = client.clientStream("/test/Collect")
    let writer = Task {
      var sent = 0
      while await call.requests.send([UInt8](repeating: 0, count: 10_000)) { sent += 1 }
      return sent
    }
    try await Task.sleep(for: .milliseconds(200))
    call.requests.cancel()
    // The window of 65,535 bytes and the quota; not what a writer could make in that time.
    #expect(await writer.value <= (65_535 + RequestQuota.limit) / 10_000 + 1)
    let error = try await failure { () async throws(RPCError) in _ = try await call.response() }
    #expect(error.code == .cancelled)
    try await listener.close()
  }

  @Test func pingsAreSlowedDownWhenTheServerSaysSo() async throws {
    // SETTINGS, then GOAWAY with ENHANCE_YOUR_CALM.
    let (listener, target) = try await mute(
      greeting: settings + [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11])
    var configuration = ClientConfiguration()
    configuration.keepalive = ClientConfiguration.Keepalive(time: .seconds(10))
    let client = GRPCClient(target: target, configuration: configuration)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Echo", [])
    }
    #expect(error.code == .unavailable)
    let dispatcher = client.dispatcher
    let time = try await dispatcher.eventLoop.submit { dispatcher.keepalive?.time }.get()
    // Two connections said so: the call was refused on one and made again on the other.
    #expect(time == .seconds(40))
    try await listener.close()
  }
}
