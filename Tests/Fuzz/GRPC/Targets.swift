import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import GRPC

/// What inputs are tried on. Each traps or records an issue when it finds something wrong.
enum Target: String, CaseIterable {
  case messages
  case metadata
  case connection

  func run(_ input: [UInt8]) {
    switch self {
    case .messages: tryMessages(input)
    case .metadata: tryMetadata(input)
    case .connection: ConnectionTrial().run(input)
    }
  }
}

/// However a stream is cut, the same messages come out of it, or the same error.
private func tryMessages(_ input: [UInt8]) {
  struct Outcome: Equatable {
    var messages: [[UInt8]] = []
    var error: StatusCode?
    var isBetweenMessages = false
  }
  func deframe(cuts: Int) -> Outcome {
    var outcome = Outcome()
    var deframer = MessageDeframer(limit: 5000)
    deframer.compressed = .inflated
    do throws(RPCError) {
      var rest = input[...]
      while !rest.isEmpty {
        let piece = Array(rest.prefix(cuts))
        rest = rest.dropFirst(cuts)
        try deframe(piece, &deframer, &outcome.messages)
      }
      outcome.isBetweenMessages = deframer.isBetweenMessages
    } catch {
      outcome.error = error.code
    }
    return outcome
  }
  func deframe(
    _ piece: [UInt8], _ deframer: inout MessageDeframer, _ messages: inout [[UInt8]]
  ) throws(RPCError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: piece)
    // Also stops after each message, and goes on.
    var position = 0
    while position < copy.count {
      let part = UnsafeRawBufferPointer(rebasing: copy[position...])
      position += try deframer.consume(part) { message throws(RPCError) in
        messages.append(message)
        return false
      }
    }
  }
  let whole = deframe(cuts: Int.max)
  #expect(whole == deframe(cuts: 1), "\(input)")
  #expect(whole == deframe(cuts: 7), "\(input)")
  #expect(whole.messages.allSatisfy { $0.count <= 5000 }, "\(input)")
}

/// The input is lines of `name value`.
private func tryMetadata(_ input: [UInt8]) {
  var head = RequestHead()
  for line in input.split(separator: 10) {
    let parts = line.split(separator: 32, maxSplits: 1, omittingEmptySubsequences: false)
    // HTTP/2 lets no NUL through.
    let name = parts[0].filter { $0 != 0 }
    let value = (parts.count > 1 ? Array(parts[1]) : []).filter { $0 != 0 }
    Array(name).withUnsafeBytes { name in
      value.withUnsafeBytes { head.add(name: name, value: $0, limit: 4096) }
    }
    _ = value.withUnsafeBytes { Timeout.parse($0) }
    if let bytes = Base64.decode(value) {
      #expect(Base64.decode(Base64.encode(bytes).utf8) == bytes, "\(input)")
    }
    for limit in [0, 3, 50, Int.max] {
      let encoded = PercentEncoding.encode(String(decoding: value, as: UTF8.self), limit: limit)
      #expect(encoded.allSatisfy { $0 >= 0x20 && $0 <= 0x7E }, "\(input)")
      #expect(encoded.count <= max(limit, 3), "\(input)")
    }
  }
  let metadata = MetadataFields.metadata(of: head.fields)
  for entry in metadata.entries {
    _ = try? metadata.binaryValues(for: entry.key)
    _ = entry.isSendable
  }
}

/// A server's connection without a socket or a clock.
private struct ConnectionTrial {
  func run(_ input: [UInt8]) {
    weak let connection = converse(input)
    #expect(connection == nil, "something keeps the connection: \(input)")
  }

  /// Feeds the input in pieces, lets time pass, hangs up, and looks at what is left.
  private func converse(_ input: [UInt8]) -> ServerConnection {
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
      methods: Self.methods, limits: limits, admission: [],
      mailbox: LoopMailbox(eventLoop: loop),
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
    var random = SeededGenerator(seed: input.reduce(7) { $0 &* 31 &+ UInt64($1) })
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
    #expect(connection.session == nil, "\(input)")
    #expect(connection.callCount == 0, "\(input)")
    #expect(connection.firstCall == nil, "\(input)")
    #expect(connection.waitingBytes == 0, "\(input)")
    #expect(connection.heldBytes == 0, "\(input)")
    #expect(connection.abandonedCalls.load(ordering: .relaxed) == 0, "\(input)")
    checkFrames(&output, input)
    return connection
  }

  /// What came back is whole frames, and the data of each stream whole messages or their beginning.
  private func checkFrames(_ output: inout ByteBuffer, _ input: [UInt8]) {
    var streams: [UInt32: MessageDeframer] = [:]
    while output.readableBytes > 0 {
      guard let header = output.readBytes(length: 9),
        let payload = output.readBytes(
          length: Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2]))
      else {
        Issue.record("a frame is cut short: \(input)")
        return
      }
      #expect(header[3] <= 9, "\(input)")
      guard header[3] == 0 else { continue }
      let stream = header[5..<9].reduce(0) { $0 << 8 | UInt32($1) }
      var deframer = streams[stream] ?? MessageDeframer(limit: 1 << 20)
      deframer.compressed = .inflated
      #expect(throws: Never.self, "\(input)") {
        try payload.withUnsafeBytes { try deframer.consume($0) { _ in } }
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
