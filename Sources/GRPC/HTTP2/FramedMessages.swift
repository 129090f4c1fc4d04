/// Messages written one after the other as they travel, each with its prefix, uncompressed.
///
/// What many streams send alike is framed once, and is one array for all of them.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Length-Prefixed-Message)
public struct FramedMessages: Sendable {
  /// The messages as they travel.
  public private(set) var bytes: [UInt8]

  /// No messages.
  public init() { bytes = [] }

  /// Messages that were framed before.
  ///
  /// - Parameter bytes: Those of other `FramedMessages`.
  public init(framed bytes: [UInt8]) { self.bytes = bytes }

  /// Whether there are none.
  public var isEmpty: Bool { bytes.isEmpty }

  static let prefixLength = 5

  /// Adds a message behind those that are there. It is at most 4 GiB.
  public mutating func append(_ message: [UInt8]) {
    let length = UInt32(message.count)
    bytes.append(0)
    for shift: UInt32 in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
    bytes.append(contentsOf: message)
  }

  /// Hands out the messages as they were before.
  func forEach(_ body: ([UInt8]) -> Void) {
    forEachRange { body(Array(bytes[$0])) }
  }

  /// Hands out the sizes of the messages.
  func forEachSize(_ body: (Int) -> Void) {
    forEachRange { body($0.count) }
  }

  private func forEachRange(_ body: (Range<Int>) -> Void) {
    var position = 0
    while position + Self.prefixLength <= bytes.count {
      let start = position + Self.prefixLength
      var length = 0
      for byte in bytes[position + 1..<start] { length = length << 8 | Int(byte) }
      precondition(length <= bytes.count - start, "these are not framed messages")
      body(start..<start + length)
      position = start + length
    }
  }
}
