internal import DequeModule

/// The messages of one stream that wait to be sent.
///
/// Each is held as its producer made it and framed only while it is copied out, so one array can
/// wait on many streams at once.
public struct OutboundBuffer {
  private var current: [UInt8]?
  private var currentIsCompressed = false
  private var following: Deque<(bytes: [UInt8], isCompressed: Bool)> = []
  /// How far the current message has been sent, counted with its prefix.
  private var position = 0

  /// Bytes that wait, prefixes included.
  public private(set) var byteCount = 0

  /// Messages of at least this many bytes are compressed; nil where the stream names no encoding.
  var compressionThreshold: Int?

  private static let prefixLength = 5

  init() {}

  public var isEmpty: Bool { current == nil }

  static func framedSize(of message: [UInt8]) -> Int { prefixLength + message.count }

  /// Queues one message behind those that wait.
  ///
  /// - Parameter compressed: Whether to compress it, on a stream that allows it; nil leaves that to
  ///   the stream's threshold: `ServerCall.compressionThreshold` or that of `CallOptions`.
  public mutating func append(_ message: [UInt8], compressed: Bool? = nil) {
    if let compressionThreshold, compressed ?? (message.count >= compressionThreshold) {
      let packed = Gzip.compress(message)
      if compressed == true || packed.count < message.count {
        return enqueue(packed, isCompressed: true)
      }
    }
    enqueue(message, isCompressed: false)
  }

  private mutating func enqueue(_ message: [UInt8], isCompressed: Bool) {
    byteCount += Self.framedSize(of: message)
    if current == nil {
      current = message
      currentIsCompressed = isCompressed
    } else {
      following.append((message, isCompressed))
    }
  }

  /// Moves as many bytes as `destination` has room for, at most `byteCount`.
  mutating func read(into destination: UnsafeMutableRawBufferPointer) {
    precondition(destination.count <= byteCount)
    byteCount -= destination.count
    // Offsets instead of slices of the buffer: those are generic code that is not specialized here.
    var offset = 0
    while offset < destination.count {
      // Moved out and back, not copied: a message may wait on many streams of several threads, and
      // its reference count is touched as little as can be.
      guard let message = current.take() else { return }
      if position < Self.prefixLength { writePrefix(of: message, to: destination, &offset) }
      var isDone = false
      if position >= Self.prefixLength {
        let start = position - Self.prefixLength
        let count = min(destination.count - offset, message.count - start)
        if count > 0 {
          message.withUnsafeBytes { bytes in
            (destination.baseAddress! + offset)
              .copyMemory(from: bytes.baseAddress! + start, byteCount: count)
          }
        }
        offset += count
        position += count
        isDone = start + count == message.count
      }
      if isDone {
        position = 0
        if let next = following.popFirst() {
          current = next.bytes
          currentIsCompressed = next.isCompressed
        }
      } else {
        current = message
      }
    }
  }

  /// The flag and the length in network order, as far as there is room.
  private mutating func writePrefix(
    of message: [UInt8], to destination: UnsafeMutableRawBufferPointer, _ offset: inout Int
  ) {
    let length = UInt32(truncatingIfNeeded: message.count)
    while position < Self.prefixLength, offset < destination.count {
      destination[offset] =
        position == 0
        ? (currentIsCompressed ? 1 : 0)
        : UInt8(truncatingIfNeeded: length >> UInt32(8 * (4 - position)))
      offset += 1
      position += 1
    }
  }

  mutating func removeAll() {
    current = nil
    following = []
    position = 0
    byteCount = 0
  }
}
