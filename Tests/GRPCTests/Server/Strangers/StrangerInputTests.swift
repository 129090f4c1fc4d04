import NIOCore
import NIOEmbedded
import Testing

@testable import GRPC

/// A connection's input before its client has shown who it is.
@Suite struct StrangerInputTests {
  private let test = TestTurns()

  /// A connection of which only the beginning and the end are there.
  private final class Connection {
    let channel: EmbeddedChannel
    let input: StrangerInput
    let beginning = Beginning()
    let end = End()

    /// Counts what the channel is asked to read.
    final class Beginning: ChannelOutboundHandler {
      typealias OutboundIn = ByteBuffer
      var reads = 0
      func read(context: ChannelHandlerContext) { reads += 1 }
    }

    /// Keeps what comes in, and does something about it.
    final class End: ChannelInboundHandler {
      typealias InboundIn = ByteBuffer
      var seen: [String] = []
      var onRead: () -> Void = {}

      func channelActive(context: ChannelHandlerContext) { seen.append("active") }
      func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        seen.append(String(buffer: unwrapInboundIn(data)))
        onRead()
      }
      func channelReadComplete(context: ChannelHandlerContext) { seen.append("|") }
      func channelInactive(context: ChannelHandlerContext) { seen.append("inactive") }
    }

    init(_ test: TestTurns) throws {
      input = StrangerInput(test.turns)
      channel = EmbeddedChannel(handlers: [beginning, input, end], loop: test.loop)
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
      end.seen = []
      beginning.reads = 0
    }

    /// As a channel does it: it reads, and asks for more.
    func receive(_ text: String) {
      channel.pipeline.fireChannelRead(ByteBuffer(string: text))
      channel.pipeline.fireChannelReadComplete()
      if channel.isActive { channel.pipeline.read() }
    }

    var isStranger: Bool {
      (try? channel.pipeline.syncOperations.handler(type: StrangerInput.self)) != nil
    }

    var readsAtOnce: UInt? {
      channel.options.last { $0.option is ChannelOptions.Types.MaxMessagesPerReadOption }?.value
        as? UInt
    }
  }

  @Test func nobodyWaitsWhereThereIsTime() throws {
    let connection = try Connection(test)
    connection.receive("a")
    connection.receive("b")
    #expect(connection.end.seen == ["a", "|", "b", "|"])
    #expect(connection.beginning.reads == 2)
    #expect(connection.readsAtOnce == 1)
  }

  @Test func inputWaitsForItsTurn() throws {
    let connections = try [Connection(test), Connection(test)]
    for connection in connections { connection.end.onRead = { test.take(.milliseconds(1)) } }
    let wait = test.exhaust()
    for connection in connections { connection.receive("a") }
    test.pass(wait - .nanoseconds(1))
    #expect(connections.map(\.end.seen) == [[], []])
    // Nor is more read meanwhile.
    #expect(connections.map(\.beginning.reads) == [0, 0])
    test.pass(.nanoseconds(1))
    #expect(connections.map(\.end.seen) == [["a", "|"], []])
    #expect(connections.map(\.beginning.reads) == [1, 0])
    // Who has had a turn is behind the others.
    connections[0].receive("b")
    test.pass(.milliseconds(3))
    #expect(connections.map(\.end.seen) == [["a", "|"], ["a", "|"]])
    test.pass(.milliseconds(3))
    #expect(connections.map(\.end.seen) == [["a", "|", "b", "|"], ["a", "|"]])
    #expect(connections.map(\.beginning.reads) == [2, 1])
  }

  @Test func whatBeginsAndEndsIsCounted() throws {
    let connection = try Connection(test)
    connection.end.onRead = { test.take(StrangerTurns.burst * 4) }
    connection.receive("a")
    #expect(!test.turns.isFree)
  }

  /// A channel reads what is left of a peer that is gone; nobody wants it.
  @Test func whoIsGoneIsForgotten() throws {
    let gone = try Connection(test)
    let next = try Connection(test)
    let wait = test.exhaust()
    gone.receive("a")
    next.receive("b")
    gone.channel.pipeline.fireChannelRead(ByteBuffer(string: "more"))
    #expect(!gone.channel.isActive)
    #expect(gone.end.seen == ["inactive"])
    test.pass(wait)
    #expect(gone.end.seen == ["inactive"])
    #expect(next.end.seen == ["b", "|"])
  }

  @Test func whoHangsUpIsForgotten() throws {
    let gone = try Connection(test)
    let wait = test.exhaust()
    gone.receive("a")
    gone.channel.close(promise: nil)
    test.pass(wait)
    #expect(gone.end.seen == ["inactive"])
    #expect(test.turns.isFree)
  }

  @Test func aClientThatIsKnownWaitsForNothing() throws {
    let connection = try Connection(test)
    connection.end.onRead = { connection.input.clientIsKnown() }
    connection.receive("a")
    #expect(!connection.isStranger)
    #expect(connection.readsAtOnce == 4)
    _ = test.exhaust()
    connection.receive("b")
    #expect(connection.end.seen == ["a", "|", "b", "|"])
    #expect(connection.beginning.reads == 2)
  }

  @Test func aClientMayBecomeKnownInItsTurn() throws {
    let connection = try Connection(test)
    connection.end.onRead = { connection.input.clientIsKnown() }
    let wait = test.exhaust()
    connection.receive("a")
    test.pass(wait)
    #expect(connection.end.seen == ["a", "|"])
    #expect(connection.beginning.reads == 1)
    #expect(!connection.isStranger)
    _ = test.exhaust()
    connection.receive("b")
    #expect(connection.end.seen == ["a", "|", "b", "|"])
    #expect(connection.beginning.reads == 2)
  }

  /// What it does with its input may end the connection.
  @Test func aConnectionMayEndInItsTurn() throws {
    let connection = try Connection(test)
    connection.end.onRead = { connection.channel.close(promise: nil) }
    let wait = test.exhaust()
    connection.receive("a")
    test.pass(wait)
    #expect(connection.end.seen.prefix(2) == ["a", "inactive"])
    #expect(connection.beginning.reads == 0)
  }
}

/// How a listener lets connections in.
@Suite struct AcceptTurnsTests {
  private let test = TestTurns()
  private let beginning = Beginning()
  private let channel: EmbeddedChannel

  private final class Beginning: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var reads = 0
    func read(context: ChannelHandlerContext) { reads += 1 }
  }

  /// What setting up a connection takes.
  private final class Accepting: ChannelInboundHandler {
    typealias InboundIn = any Channel
    let test: TestTurns
    init(_ test: TestTurns) { self.test = test }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      test.take(StrangerTurns.burst * 4)
    }
  }

  init() throws {
    channel = EmbeddedChannel(
      handlers: [beginning, AcceptTurns(test.turns), Accepting(test)], loop: test.loop)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    beginning.reads = 0
  }

  @Test func acceptingWaitsForItsTurn() {
    channel.pipeline.read()
    #expect(beginning.reads == 1)
    let wait = test.exhaust()
    channel.pipeline.read()
    channel.pipeline.read()
    #expect(beginning.reads == 1)
    test.pass(wait - .nanoseconds(1))
    #expect(beginning.reads == 1)
    test.pass(.nanoseconds(1))
    #expect(beginning.reads == 2)
    channel.pipeline.read()
    #expect(beginning.reads == 3)
  }

  @Test func acceptingIsCounted() {
    channel.pipeline.syncOperations.fireChannelRead(NIOAny(EmbeddedChannel() as any Channel))
    #expect(!test.turns.isFree)
  }

  @Test func aListenerThatIsClosedTakesNoTurn() throws {
    let wait = test.exhaust()
    channel.pipeline.read()
    try channel.close().wait()
    test.pass(wait)
    #expect(beginning.reads == 0)
    #expect(test.turns.isFree)
  }
}
