import Logging
import NIOCore
import NIOEmbedded
import Threads

@testable import GRPC

/// A server's connection without a socket, whose frames a test writes, and where inflating and
/// compressing in other threads happen when the test says so.
final class TestConnection {
  let loop = EmbeddedEventLoop()
  let connection: ServerConnection
  private let channel: EmbeddedChannel
  private let work: Work
  private var output = ByteBuffer()

  /// What the threads have been given.
  final class Work: Sendable {
    let waiting = Locked<[@Sendable () -> Void]>([])
  }

  /// A frame that came back.
  struct Frame {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]
  }

  init(
    _ methods: [RPCMethod], limits: ServerLimits = ServerLimits(),
    budget: HostBudget? = nil, admission: [any CallAdmission] = [],
    observer: (any CallObserver)? = nil
  ) {
    let work = Work()
    self.work = work
    connection = ServerConnection(
      eventLoop: loop, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      methods: MethodTable(methods), limits: limits, budget: budget ?? HostBudget(limits),
      admission: admission, observer: observer,
      actionQueue: CallActionQueue(eventLoop: loop),
      gzipWorkers: WorkerThreads { job in work.waiting.withLock { $0.append(job) } },
      offloadWorkers: WorkerThreads { job in work.waiting.withLock { $0.append(job) } },
      onOpen: { _ in }, onClose: { _ in })
    channel = EmbeddedChannel(handler: connection, loop: loop)
    channel.connect(to: try! SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    // With the acknowledgement: before it the windows are those that HTTP/2 begins with.
    write(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(4) + Self.frame(4, flags: 1))
  }

  deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }

  /// Whether the server has not hung up.
  var isOpen: Bool { channel.isActive }

  /// Hangs up.
  func close() {
    channel.close(promise: nil)
    loop.run()
  }

  /// Sends bytes in one batch.
  ///
  /// - Parameter time: As long after what was before; timers have not run yet.
  func write(_ bytes: [UInt8], after time: TimeAmount) {
    loop.scheduleTask(in: time) { [channel] in
      _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
    }
    loop.advanceTime(by: time)
  }

  /// Sends bytes in one batch.
  func write(_ bytes: [UInt8]) {
    _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
    loop.run()
  }

  /// How many messages wait for other threads.
  var workWaiting: Int { work.waiting.withLock { $0.count } }

  /// Lets the threads do what waits; what comes of it may wait again.
  func work(times: Int = 1) {
    for _ in 0..<times {
      let jobs = work.waiting.withLock { list in
        defer { list = [] }
        return list
      }
      for job in jobs { job() }
      loop.run()
    }
  }

  /// The frames that came back so far.
  func frames() -> [Frame] {
    while let next = try? channel.readOutbound(as: ByteBuffer.self) {
      output.writeImmutableBuffer(next)
    }
    var frames: [Frame] = []
    var bytes = output
    while let header = bytes.readBytes(length: 9) {
      let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
      frames.append(
        Frame(
          type: header[3], flags: header[4],
          stream: header[5..<9].reduce(0) { $0 << 8 | UInt32($1) },
          payload: bytes.readBytes(length: length)!))
    }
    return frames
  }

  /// The messages that came back on a stream.
  func messages(of stream: UInt32) throws -> [ReceivedMessage] {
    var deframer = MessageDeframer(limit: .max)
    deframer.allowsCompressed = true
    var messages: [ReceivedMessage] = []
    for frame in frames() where frame.type == 0 && frame.stream == stream {
      try frame.payload.withUnsafeBytes { payload in
        var rest = payload
        while let message = try deframer.next(&rest) { messages.append(message) }
      }
    }
    return messages
  }

  /// Whether the answer on a stream is over.
  func hasEnded(_ stream: UInt32) -> Bool {
    frames().contains { $0.stream == stream && $0.flags & 1 != 0 && $0.type <= 1 }
  }

  // MARK: What a client sends

  static func frame(
    _ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []
  ) -> [UInt8] {
    let length = payload.count
    return [UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
      + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> UInt32($0)) } + payload
  }

  /// The headers of a call.
  static func headers(
    _ path: String, stream: UInt32, method: String = "POST",
    contentType: String = "application/grpc", _ more: [(String, String)] = []
  ) -> [UInt8] {
    let fields =
      [
        (":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"),
        ("content-type", contentType),
      ] + more
    // Literals that are not indexed (RFC 7541 section 6.2.2); all are short.
    let block = fields.flatMap { name, value in
      [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
    }
    return frame(1, flags: 4, stream: stream, block)
  }

  /// Messages as DATA of a stream.
  static func data(
    _ messages: [ReceivedMessage], stream: UInt32, isLast: Bool = true
  ) -> [UInt8] {
    var body: [UInt8] = []
    for message in messages {
      body.append(message.isCompressed ? 1 : 0)
      let count = UInt32(message.bytes.count)
      body += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) }
      body += message.bytes
    }
    var frames: [UInt8] = []
    var rest = body[...]
    repeat {
      let part = Array(rest.prefix(16_384))
      rest = rest.dropFirst(part.count)
      frames += frame(0, flags: isLast && rest.isEmpty ? 1 : 0, stream: stream, part)
    } while !rest.isEmpty
    return frames
  }
}
