/// Cuts a byte stream into gRPC messages: a flag byte, a length of four bytes, the message.
///
/// Pure: it does no I/O, and memory grows with the bytes that arrived, never with the length that
/// a peer claims, neither as the length of a message nor by compressing one.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Length-Prefixed-Message)
struct MessageDeframer {
  /// Messages longer than this many bytes are refused: from their prefix, or while they inflate.
  var limit: Int
  /// What becomes of messages that come compressed.
  var compressed = Compressed.refused

  enum Compressed {
    /// They are an error: the peer named no encoding.
    case refused
    /// They are handed over as what they stand for. The peer named gzip.
    case inflated
    /// They are handed over as they came. The peer named gzip.
    case kept
  }

  private var prefix: UInt64 = 0
  private var prefixCount = 0
  private var remaining = 0
  private var isCompressed = false
  private var body: [UInt8] = []

  /// Whether the message handed over last came compressed.
  private(set) var wasCompressed = false

  private static let prefixLength = 5
  private static let initialReservation = 64 * 1024

  init(limit: Int) { self.limit = limit }

  /// Whether the stream may end here: between two messages.
  var isBetweenMessages: Bool { prefixCount == 0 }

  /// Bytes of an incomplete message.
  var heldBytes: Int { body.count }

  /// Takes the next bytes and hands over every message they complete.
  ///
  /// - Throws: RESOURCE_EXHAUSTED for a message over the limit; INTERNAL for a flag that is neither
  ///   0 nor 1, or that says compressed on a stream that names no encoding, and for a message that
  ///   does not inflate.
  mutating func consume(
    _ bytes: UnsafeRawBufferPointer, _ deliver: ([UInt8]) throws(RPCError) -> Void
  ) throws(RPCError) {
    _ = try consume(bytes) { message throws(RPCError) in
      try deliver(message)
      return true
    }
  }

  /// As above, until `deliver` answers false.
  ///
  /// - Returns: How many bytes were taken; the rest is to be offered again.
  mutating func consume(
    _ bytes: UnsafeRawBufferPointer, while deliver: ([UInt8]) throws(RPCError) -> Bool
  ) throws(RPCError) -> Int {
    var rest = bytes[...]
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
        body.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
        rest = rest.dropFirst(count)
        remaining -= count
      }
      if remaining == 0 {
        var message = body
        body = []
        prefix = 0
        prefixCount = 0
        wasCompressed = isCompressed
        if isCompressed && compressed == .inflated {
          message = try Gzip.decompress(message, limit: limit)
        }
        if try !deliver(message) { break }
      } else if body.isEmpty {
        // One allocation for a message that is all here already.
        body.reserveCapacity(min(remaining, max(rest.count, Self.initialReservation)))
      }
    }
    return bytes.count - rest.count
  }

  private mutating func readPrefix() throws(RPCError) {
    let flag = prefix >> 32
    let length = Int(prefix & 0xFFFF_FFFF)
    switch flag {
    case 0: isCompressed = false
    case 1 where compressed != .refused: isCompressed = true
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
