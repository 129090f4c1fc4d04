/// Cuts a byte stream into gRPC messages: a flag byte, a length of four bytes, the message.
///
/// Pure: it does no I/O, and memory grows with the bytes that arrived, whatever length a peer
/// claims. Messages are asked for one by one, so that nothing of it is in use while one is handed on.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Length-Prefixed-Message)
struct MessageDeframer {
  /// Messages longer than this many bytes are refused: from their prefix.
  var limit: Int
  /// Whether messages may come compressed: the peer named gzip. They are handed over as they came.
  var allowsCompressed = false

  private var prefix: UInt64 = 0
  private var prefixCount = 0
  private var remaining = 0
  private var isCompressed = false
  private var body: [UInt8] = []

  private static let prefixLength = 5
  private static let initialReservation = 64 * 1024
  /// A long message moves to a place so many times as large: with eight, an eighth of it is copied once
  /// more, and no page is touched before bytes come for it.
  private static let growth = 8

  init(limit: Int) { self.limit = limit }

  /// Whether the stream may end here: between two messages.
  var isBetweenMessages: Bool { prefixCount == 0 }

  /// Bytes of an incomplete message.
  var heldBytes: Int { body.count }

  /// Takes bytes off the front until they complete a message.
  ///
  /// - Returns: The message; nil when all bytes are taken.
  /// - Throws: RESOURCE_EXHAUSTED for a message over the limit; INTERNAL for a flag that is neither
  ///   0 nor 1, or that says compressed on a stream that names no encoding.
  mutating func next(
    _ bytes: inout UnsafeRawBufferPointer
  ) throws(RPCError) -> ReceivedMessage? {
    var rest = bytes[...]
    defer { bytes = UnsafeRawBufferPointer(rebasing: rest) }
    while !rest.isEmpty {
      if prefixCount == 0 && rest.count >= Self.prefixLength {
        for byte in rest.prefix(Self.prefixLength) { prefix = prefix << 8 | UInt64(byte) }
        rest = rest.dropFirst(Self.prefixLength)
        prefixCount = Self.prefixLength
        try readPrefix()
      } else if prefixCount < Self.prefixLength {
        prefix = prefix << 8 | UInt64(rest.removeFirst())
        prefixCount += 1
        if prefixCount < Self.prefixLength { continue }
        try readPrefix()
      } else {
        let count = min(remaining, rest.count)
        if body.capacity - body.count < count {
          body.reserveLargeCapacity(
            min(body.count + remaining, max(body.count + count, Self.growth * body.count)))
        }
        body.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
        rest = rest.dropFirst(count)
        remaining -= count
      }
      if remaining == 0 {
        let message = ReceivedMessage(bytes: body, isCompressed: isCompressed)
        body = []
        prefix = 0
        prefixCount = 0
        return message
      } else if body.isEmpty {
        // One allocation for a message that is all here already.
        body.reserveLargeCapacity(min(remaining, max(rest.count, Self.initialReservation)))
      }
    }
    return nil
  }

  private mutating func readPrefix() throws(RPCError) {
    let flag = prefix >> 32
    let length = Int(prefix & 0xFFFF_FFFF)
    switch flag {
    case 0: isCompressed = false
    case 1 where allowsCompressed: isCompressed = true
    case 1:
      throw RPCError(
        .internalError, "message is flagged as compressed, but the call names no grpc-encoding")
    default: throw RPCError(.internalError, "message has the flag \(flag); only 0 and 1 exist")
    }
    guard length <= limit else {
      throw RPCError(
        .resourceExhausted, "message of \(length) bytes is over the limit of \(limit) bytes")
    }
    remaining = length
  }
}
