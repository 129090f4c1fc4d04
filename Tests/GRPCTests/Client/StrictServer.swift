import NIOCore
import NIOPosix
import Threads

@testable import GRPC

/// A server that is told frame by frame what to say, and that holds its client to the letter: a
/// frame on a stream that was never opened ends the connection with PROTOCOL_ERROR, as RFC 9113
/// section 5.1 wants it.
final class StrictServer: Sendable {
  struct Seen {
    var connections = 0
    /// The streams that were opened, on all connections, in order.
    var opened: [UInt32] = []
    /// The streams whose requests are complete.
    var requested: [UInt32] = []
    /// The bytes of DATA frames.
    var dataSize = 0
    var resets: [UInt32] = []
    /// What bytes the client lets the server send on the connection, beyond the first 65,535.
    var connectionWindow = 0
    /// What the client did that no client may do.
    var violations: [String] = []
  }

  enum Event {
    case connected
    /// A stream is opened.
    case opened(UInt32)
    /// A request is complete.
    case requested(UInt32)
  }

  /// What all connections have seen.
  final class Record: Sendable {
    let seen = Locked(Seen())
  }

  private let record = Record()
  var seen: Seen { record.seen.withLock { $0 } }
  private let listener: any Channel

  /// - Parameter handle: What to do when something happens on a connection; on its event loop.
  init(_ handle: @escaping @Sendable (Connection, Event) -> Void) async throws {
    let record = record
    listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            Connection(channel: channel, record: record, handle: handle))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  var target: ServerAddress { .tcp(host: "127.0.0.1", port: listener.localAddress?.port ?? 0) }

  func stop() async throws { try await listener.close() }

  /// One connection. Belongs to its event loop.
  final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let channel: any Channel
    private let record: Record
    private let handle: @Sendable (Connection, Event) -> Void
    /// How many connections there were before this one.
    private(set) var number = 0
    private var isTogether = false
    private var input = ByteBuffer()
    private var hasPreface = false
    private var highestStream: UInt32 = 0

    init(
      channel: any Channel, record: Record,
      handle: @escaping @Sendable (Connection, Event) -> Void
    ) {
      self.channel = channel
      self.record = record
      self.handle = handle
    }

    // MARK: What it says

    func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
      var output = ByteBuffer()
      output.writeInteger(UInt32(payload.count) << 8 | UInt32(type))
      output.writeInteger(flags)
      output.writeInteger(stream)
      output.writeBytes(payload)
      channel.write(output, promise: nil)
      if !isTogether { channel.flush() }
    }

    /// Says several things in one piece, so that the client reads them in one go.
    func together(_ body: () -> Void) {
      isTogether = true
      body()
      isTogether = false
      channel.flush()
    }

    func settings(concurrentStreams: UInt32? = nil) {
      frame(4, concurrentStreams.map { [0, 3] + Self.bytes($0) } ?? [])
    }

    func goAway(last: UInt32, code: UInt32 = 0) { frame(7, Self.bytes(last) + Self.bytes(code)) }

    func reset(_ stream: UInt32, code: UInt32) { frame(3, stream: stream, Self.bytes(code)) }

    /// `:status 200`, `content-type: application/grpc`.
    func begin(_ stream: UInt32) {
      frame(1, flags: 4, stream: stream, [0x88] + Self.field("content-type", "application/grpc"))
    }

    /// One message of so many bytes, in one frame.
    func message(_ stream: UInt32, byteCount: Int = 0) {
      let content = [UInt8](repeating: 7, count: byteCount)
      frame(0, stream: stream, [0] + Self.bytes(UInt32(byteCount)) + content)
    }

    func end(_ stream: UInt32) {
      frame(1, flags: 5, stream: stream, Self.field("grpc-status", "0"))
    }

    /// A whole response.
    func respond(_ stream: UInt32) {
      begin(stream)
      message(stream)
      end(stream)
    }

    func close() { channel.close(promise: nil) }

    private static func bytes(_ value: UInt32) -> [UInt8] {
      withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    /// A field that no table knows afterwards (RFC 7541 section 6.2.2).
    private static func field(_ name: String, _ value: String) -> [UInt8] {
      [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
    }

    // MARK: What it hears

    func channelActive(context: ChannelHandlerContext) {
      number = record.seen.withLock { seen in
        seen.connections += 1
        return seen.connections - 1
      }
      handle(self, .connected)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var more = unwrapInboundIn(data)
      input.writeBuffer(&more)
      if !hasPreface {
        guard input.readSlice(length: 24) != nil else { return }
        hasPreface = true
      }
      while let start = input.getInteger(at: input.readerIndex, as: UInt32.self),
        input.readableBytes >= 9 + Int(start >> 8)
      {
        input.moveReaderIndex(forwardBy: 4)
        guard let flags: UInt8 = input.readInteger(), let stream: UInt32 = input.readInteger(),
          let payload = input.readBytes(length: Int(start >> 8))
        else { return }
        received(UInt8(start & 0xFF), flags, stream, payload)
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

    private func received(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) {
      if type == 1, stream > highestStream {
        highestStream = stream
        record.seen.withLock { $0.opened.append(stream) }
        handle(self, .opened(stream))
      } else if stream > highestStream {
        record.seen.withLock { $0.violations.append("frame type \(type) on idle stream \(stream)") }
        goAway(last: highestStream, code: 1)
        return close()
      }
      let number = payload.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      switch type {
      case 0: record.seen.withLock { $0.dataSize += payload.count }
      case 3: record.seen.withLock { $0.resets.append(stream) }
      case 4 where flags & 1 == 0: frame(4, flags: 1)
      case 8 where stream == 0: record.seen.withLock { $0.connectionWindow += number }
      default: break
      }
      guard flags & 1 != 0, type == 0 || type == 1 else { return }
      record.seen.withLock { $0.requested.append(stream) }
      handle(self, .requested(stream))
    }
  }
}
