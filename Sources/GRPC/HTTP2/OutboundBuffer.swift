internal import DequeModule
internal import NIOCore

/// The messages of one stream that wait to be sent.
///
/// Each is held as its producer made it and framed only while it is copied out, so one array can
/// wait on many streams at once.
public struct OutboundBuffer {
  private var current: [UInt8]?
  private var following: Deque<[UInt8]> = []
  /// How far the current message has been sent, counted with its prefix.
  private var position = 0

  /// Bytes that wait, prefixes included.
  public private(set) var byteCount = 0

  private static let prefixLength = 5

  init() {}

  public var isEmpty: Bool { current == nil }

  static func framedSize(of message: [UInt8]) -> Int { prefixLength + message.count }

  /// Queues one message behind those that wait.
  public mutating func append(_ message: [UInt8]) {
    byteCount += Self.framedSize(of: message)
    if current == nil {
      current = message
    } else {
      following.append(message)
    }
  }

  /// Moves `count` bytes, at most `byteCount`, to the end of `output`.
  mutating func read(_ count: Int, into output: inout ByteBuffer) {
    precondition(count <= byteCount)
    byteCount -= count
    var remaining = count
    while remaining > 0 {
      // Moved out and back, not copied: a message may wait on many streams of several threads, and
      // its reference count is touched as little as can be.
      guard let message = current.take() else { return }
      if position < Self.prefixLength {
        remaining -= writePrefix(of: message, atMost: remaining, into: &output)
      }
      var isDone = false
      if position >= Self.prefixLength {
        let start = position - Self.prefixLength
        let part = min(remaining, message.count - start)
        message.withUnsafeBytes { bytes in
          _ = output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + part)]))
        }
        remaining -= part
        position += part
        isDone = start + part == message.count
      }
      if isDone { advance() } else { current = message }
    }
  }

  mutating func removeAll() {
    current = nil
    following = []
    position = 0
    byteCount = 0
  }

  private mutating func writePrefix(
    of message: [UInt8], atMost limit: Int, into output: inout ByteBuffer
  ) -> Int {
    let length = UInt32(message.count)
    if position == 0 && limit >= Self.prefixLength {
      output.writeMultipleIntegers(UInt8(0), length)
      position = Self.prefixLength
      return Self.prefixLength
    }
    var written = 0
    while position < Self.prefixLength && written < limit {
      output.writeInteger(
        position == 0
          ? UInt8(0) : UInt8(truncatingIfNeeded: length >> UInt32(8 * (4 - position))))
      position += 1
      written += 1
    }
    return written
  }

  private mutating func advance() {
    position = 0
    current = following.popFirst()
  }
}
