internal import DequeModule

/// The messages of one stream that wait to be sent.
///
/// Each is held as its producer made it and framed only while it is copied out, so one array can
/// wait on many streams at once.
public struct SendBuffer {
  private struct Piece {
    enum Framing {
      /// A message of `length` bytes begins with these, behind a prefix with `flag`.
      case message(flag: UInt8, length: Int)
      /// The message of the piece before goes on.
      case continuation
      /// They have their prefixes.
      case framed
    }

    let bytes: [UInt8]
    let framing: Framing

    init(bytes: [UInt8], framing: Framing) {
      self.bytes = bytes
      self.framing = framing
    }

    /// A whole message.
    init(bytes: [UInt8], flag: UInt8) {
      self.init(bytes: bytes, framing: .message(flag: flag, length: bytes.count))
    }

    var prefixLength: Int {
      if case .message = framing { FramedMessages.prefixLength } else { 0 }
    }
    var size: Int { prefixLength + bytes.count }

    func count(into count: inout CallRecord.MessageCount) {
      switch framing {
      case .message(_, let length): count.add(length)
      case .continuation: break
      case .framed: FramedMessages(framed: bytes).forEachSize { count.add($0) }
      }
    }
  }

  /// A message that is to be compressed, or waits behind one that is.
  private struct Pending {
    let bytes: [UInt8]
    let compression: Compression

    enum Compression {
      /// It is sent as it is.
      case none
      /// It is sent compressed, if that makes it shorter.
      case ifShorter
      /// It is sent compressed in any case.
      case always
    }

    var size: Int { FramedMessages.prefixLength + bytes.count }
  }

  private var current: Piece?
  private var following: Deque<Piece> = []
  /// How far the current piece has been sent, counted with its prefix.
  private var position = 0
  /// A message to be compressed, and what was appended after it.
  private var pending: Deque<Pending> = []
  private var pendingCount = 0

  /// Bytes that may be sent, prefixes included.
  private(set) var readyCount = 0
  /// Bytes that wait, prefixes included; messages that are still to be compressed count as they are.
  public var byteCount: Int { readyCount + pendingCount }

  /// Messages of at least this many bytes are to be compressed; nil where the stream names no
  /// encoding.
  var compressionThreshold: Int?
  /// Counts messages that have been moved out; nil where nobody asks.
  var record: CallRecord?

  init() {}

  /// Whether no message waits, not even the rest of one.
  public var isEmpty: Bool { byteCount == 0 }

  static func framedSize(of message: [UInt8]) -> Int { FramedMessages.prefixLength + message.count }

  /// Queues one message behind those that wait.
  ///
  /// - Parameter compressed: Whether to compress it, on a stream that allows it; nil leaves that to
  ///   the stream's threshold: `ServerCall.compressionThreshold` or that of `CallOptions`.
  public mutating func append(_ message: [UInt8], compressed: Bool? = nil) {
    guard let compressionThreshold else { return enqueue(Piece(bytes: message, flag: 0)) }
    let compression: Pending.Compression =
      switch compressed {
      case true?: .always
      case nil where message.count >= compressionThreshold: .ifShorter
      default: .none
      }
    if compression == .none && pending.isEmpty { return enqueue(Piece(bytes: message, flag: 0)) }
    let message = Pending(bytes: message, compression: compression)
    pending.append(message)
    pendingCount += message.size
  }

  /// Queues messages behind those that wait; as if each was appended.
  public mutating func append(_ messages: FramedMessages) {
    if compressionThreshold != nil {
      messages.forEach { append($0) }
    } else if !messages.isEmpty {
      enqueue(Piece(bytes: messages.bytes, framing: .framed))
    }
  }

  /// Queues one message that is in parts; as if they were one array.
  mutating func append(_ message: MessageParts) {
    if compressionThreshold != nil || message.following.isEmpty {
      append(message.joined)
    } else {
      enqueue(Piece(bytes: message.first, framing: .message(flag: 0, length: message.count)))
      for part in message.following { enqueue(Piece(bytes: part, framing: .continuation)) }
    }
  }

  /// The message that is to be compressed before anything behind it can be sent.
  ///
  /// Compressing is left to the owner, who knows how long it may take.
  var toCompress: [UInt8]? { pending.first?.bytes }

  /// `toCompress` is compressed.
  mutating func finishCompressing(_ packed: [UInt8]) {
    guard let message = popPending() else { return }
    if message.compression == .always || packed.count < message.bytes.count {
      enqueue(Piece(bytes: packed, flag: 1))
    } else {
      enqueue(Piece(bytes: message.bytes, flag: 0))
    }
    while pending.first?.compression == Pending.Compression.none, let next = popPending() {
      enqueue(Piece(bytes: next.bytes, flag: 0))
    }
  }

  private mutating func popPending() -> Pending? {
    guard let message = pending.popFirst() else { return nil }
    pendingCount -= message.size
    return message
  }

  /// Compresses what is to be compressed, here and now.
  mutating func compressAll() {
    while let message = toCompress { finishCompressing(Gzip.compress(message)) }
  }

  private mutating func enqueue(_ piece: consuming Piece) {
    readyCount += piece.size
    if current == nil {
      current = piece
    } else {
      following.append(piece)
    }
  }

  /// Moves as many bytes as `destination` has room for, at most `readyCount`.
  mutating func read(into destination: UnsafeMutableRawBufferPointer) {
    precondition(destination.count <= readyCount)
    readyCount -= destination.count
    // Offsets instead of slices of the buffer: those are generic code that is not specialized here.
    var offset = 0
    while offset < destination.count {
      // Moved out and back, not copied: a message may wait on many streams of several threads, and
      // its reference count is touched as little as can be.
      guard let piece = current.take() else { return }
      if case .message(let flag, let length) = piece.framing,
        position < FramedMessages.prefixLength
      {
        writePrefix(flag, length, to: destination, &offset)
      }
      var isDone = false
      if position >= piece.prefixLength {
        let start = position - piece.prefixLength
        let count = min(destination.count - offset, piece.bytes.count - start)
        if count > 0 {
          piece.bytes.withUnsafeBytes { bytes in
            (destination.baseAddress! + offset)
              .copyMemory(from: bytes.baseAddress! + start, byteCount: count)
          }
        }
        offset += count
        position += count
        isDone = start + count == piece.bytes.count
      }
      if isDone {
        if let record { piece.count(into: &record.responses) }
        position = 0
        current = following.popFirst()
      } else {
        current = piece
      }
    }
  }

  /// The flag and the length in network order, as far as there is room.
  private mutating func writePrefix(
    _ flag: UInt8, _ count: Int, to destination: UnsafeMutableRawBufferPointer,
    _ offset: inout Int
  ) {
    let length = UInt32(truncatingIfNeeded: count)
    while position < FramedMessages.prefixLength, offset < destination.count {
      destination[offset] =
        position == 0 ? flag : UInt8(truncatingIfNeeded: length >> UInt32(8 * (4 - position)))
      offset += 1
      position += 1
    }
  }

  mutating func removeAll() {
    current = nil
    following = []
    position = 0
    pending = []
    pendingCount = 0
    readyCount = 0
  }
}
