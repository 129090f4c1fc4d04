#if DEBUG || FUZZ
  internal import BinaryFormatsFuzzing
  internal import Logging
  internal import NIOCore
  internal import NIOEmbedded
  internal import RandomSessions

  @testable internal import GRPC

  /// A server's connection without a socket or a clock.
  struct ConnectionTrial {
    func run(_ input: [UInt8]) throws(FuzzFailure) {
      weak let connection = try converse(input)
      try require(connection == nil, "something keeps the connection")
    }

    /// Feeds the input in pieces, lets time pass, hangs up, and looks at what is left.
    private func converse(_ input: [UInt8]) throws(FuzzFailure) -> ServerConnection {
      let loop = EmbeddedEventLoop()
      var limits = ServerLimits()
      limits.messageSize = 5000
      limits.requestBytes = 10_000
      limits.answerBytes = 20_000
      limits.connectionWindow = 70_000
      limits.streamWindow = 20_000
      limits.concurrentStreams = 8
      limits.controlFrameBurst = 20
      limits.keepalive.maxAge = .minutes(10)
      let connection = ServerConnection(
        eventLoop: loop, logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() },
        methods: Self.methods, limits: limits, budget: HostBudget(limits), admission: [],
        actionQueue: CallActionQueue(eventLoop: loop),
        // In the middle of everything, which is sooner than ever.
        gzipWorkers: WorkerThreads { $0() }, offloadWorkers: WorkerThreads { $0() },
        onOpen: { _ in },
        onClose: { _ in })
      let channel = EmbeddedChannel(handler: connection, loop: loop)
      var output = ByteBuffer()
      func collect() {
        while let next = try? channel.readOutbound(as: ByteBuffer.self) {
          output.writeImmutableBuffer(next)
        }
      }
      channel.connect(to: try! SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
      // Where to cut follows from the input, so that it comes again with it.
      var random = RandomBits(seed: input.reduce(7) { $0 &* 31 &+ UInt64($1) })
      var rest = input[...]
      while !rest.isEmpty && channel.isActive {
        let count = random.chance(2) ? rest.count : 1 + random.below(64)
        _ = try? channel.writeInbound(ByteBuffer(bytes: rest.prefix(count)))
        rest = rest.dropFirst(count)
        if random.chance(3) { loop.run() }
        if random.chance(8) { loop.advanceTime(by: .seconds(Int64(random.below(40)))) }
        collect()
      }
      loop.run()
      if random.chance(4) { loop.advanceTime(by: .hours(3)) }
      collect()
      _ = try? channel.finish(acceptAlreadyClosed: true)
      loop.advanceTime(by: .seconds(5))
      collect()
      try require(connection.session == nil)
      try require(connection.callCount == 0)
      try require(connection.firstCall == nil)
      try require(connection.queuedResponseBytes == 0)
      try require(connection.heldRequestBytes == 0)
      try require(connection.gzipQueue.isEmpty)
      try require(connection.cancelledCallCount.load(ordering: .relaxed) == 0)
      try checkFrames(&output)
      return connection
    }

    /// What came back is whole frames, and the data of each stream whole messages or their beginning.
    private func checkFrames(_ output: inout ByteBuffer) throws(FuzzFailure) {
      var streams: [UInt32: MessageDeframer] = [:]
      while output.readableBytes > 0 {
        guard let header = output.readBytes(length: 9),
          let payload = output.readBytes(
            length: Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2]))
        else { throw FuzzFailure("a frame is cut short") }
        try require(header[3] <= 9)
        guard header[3] == 0 else { continue }
        let stream = header[5..<9].reduce(0) { $0 << 8 | UInt32($1) }
        var deframer = streams[stream] ?? MessageDeframer(limit: 1 << 20)
        deframer.allowsCompressed = true
        do {
          try payload.withUnsafeBytes { payload in
            var rest = payload
            while let message = try deframer.next(&rest) { _ = try message.content(limit: 1 << 20) }
          }
        } catch {
          throw FuzzFailure("what was answered is no message: \(error)")
        }
        streams[stream] = deframer
      }
    }

    private static let methods = MethodTable([
      .unary("/f/Unary") { request, call throws(RPCError) in
        if request.first == UInt8(ascii: "9") { throw RPCError(.aborted, "ä\n") }
        return request + [UInt8](repeating: 1, count: 3000)
      },
      .unary("/f/Gzip") { request, call throws(RPCError) in
        call.compressionThreshold = 10
        return request
      },
      .requestStream("/f/Each") { Trial(call: $0, isSilent: false) },
      .oneRequest("/f/Produce") { Trial(call: $0, isSilent: false) },
      .requestStream("/f/Hang") { Trial(call: $0, isSilent: true) },
    ])

    /// Answers each request with many messages, or none at all.
    private final class Trial: ServerCallHandler {
      private let call: ServerCall
      private let isSilent: Bool

      init(call: ServerCall, isSilent: Bool) {
        self.call = call
        self.isSilent = isSilent
      }

      func receive(_ request: [UInt8]) throws(RPCError) {
        if isSilent { return }
        for count in 0..<min(Int(String(decoding: request, as: UTF8.self)) ?? 1, 300) {
          call.send([UInt8](repeating: 7, count: count * 10))
        }
        if request.first == UInt8(ascii: "3") { throw RPCError(.notFound, "3") }
      }

      func requestsEnded() { if !isSilent { call.finish() } }
    }
  }
#endif
