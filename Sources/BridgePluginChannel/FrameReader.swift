internal import BridgeTools

/// A frame that is not what the protocol says: its writer is broken, or hostile.
package struct MalformedFrame: Error, CustomStringConvertible {
  /// What is wrong with it.
  package let description: String

  /// An error in words.
  package init(_ description: String) { self.description = description }
}

/// Reads one frame of the channel.
///
/// Nothing in a frame is believed: a length that passes its end, or a text that is no UTF-8, is an error.
package struct FrameReader {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0
  private let blobs: SharedMemory?
  private let blobStart: Int

  /// - Parameters:
  ///   - bytes: Valid for as long as the reader is used.
  ///   - blobs: Holds what is beside the frame, from `blobStart` on.
  init(_ bytes: UnsafeRawBufferPointer, blobs: SharedMemory? = nil, blobStart: Int = 0) {
    self.bytes = bytes
    self.blobs = blobs
    self.blobStart = blobStart
  }

  mutating func number<Number: FixedWidthInteger>(
    _: Number.Type = Number.self
  ) throws(MalformedFrame) -> Number {
    let size = MemoryLayout<Number>.size
    guard size <= bytes.count - offset else { throw MalformedFrame("a frame ends too soon") }
    defer { offset += size }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }

  mutating func flag() throws(MalformedFrame) -> Bool {
    switch try number(UInt8.self) {
    case 0: false
    case 1: true
    case let other: throw MalformedFrame("\(other) is no flag")
    }
  }

  /// A moment of CLOCK_MONOTONIC. None is before 0, so that the time until then is a number.
  mutating func moment() throws(MalformedFrame) -> Int64 { max(0, try number()) }

  mutating func double() throws(MalformedFrame) -> Double {
    Double(bitPattern: try number())
  }

  mutating func text() throws(MalformedFrame) -> String {
    let slice = try take(Int(number(UInt32.self)))
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw MalformedFrame("a text is no UTF-8")
    }
    return text
  }

  /// One of a list of values, by its place.
  mutating func one<Value>(of values: [Value]) throws(MalformedFrame) -> Value {
    let index = Int(try number(UInt8.self))
    guard values.indices.contains(index) else {
      throw MalformedFrame("there is no \(Value.self) \(index)")
    }
    return values[index]
  }

  mutating func optional<Value>(
    _ body: (inout FrameReader) throws -> Value
  ) throws -> Value? {
    try flag() ? try body(&self) : nil
  }

  /// A list; each element takes at least one byte, so that no count makes more room than the frame has.
  mutating func list<Value>(
    _ body: (inout FrameReader) throws -> Value
  ) throws -> [Value] {
    let count = Int(try number(UInt32.self))
    guard count <= bytes.count - offset else {
      throw MalformedFrame("a list is longer than its frame")
    }
    var values: [Value] = []
    // An element in memory may be many times what it is in the frame: there are as many only if they can be read.
    values.reserveCapacity(min(count, 1024))
    for _ in 0..<count { values.append(try body(&self)) }
    return values
  }

  /// Bytes of a frame, or those beside it, which are not copied.
  enum Payload {
    case bytes([UInt8])
    case shared(Blob)

    /// The bytes; a copy of those beside the frame.
    var bytes: [UInt8] {
      switch self {
      case .bytes(let bytes): bytes
      case .shared(let blob): blob.bytes
      }
    }

    /// Bytes that stay where they are.
    var blob: Blob {
      switch self {
      case .bytes(let bytes): Blob(bytes)
      case .shared(let blob): blob
      }
    }

    var count: Int {
      switch self {
      case .bytes(let bytes): bytes.count
      case .shared(let blob): blob.count
      }
    }
  }

  mutating func payload() throws(MalformedFrame) -> Payload {
    guard try flag() else { return .bytes(Array(try take(Int(number(UInt32.self))))) }
    let start = try number(UInt64.self)
    let count = try number(UInt64.self)
    guard let blobs, let blob = blobs.blob(at: start, count: count, after: blobStart) else {
      throw MalformedFrame("\(count) bytes at \(start) are not beside the frame")
    }
    return .shared(blob)
  }

  /// Whether the next byte is this one; then it was read.
  mutating func skip(_ byte: UInt8) -> Bool {
    guard !isAtEnd, bytes[offset] == byte else { return false }
    offset += 1
    return true
  }

  /// Whether everything was read.
  var isAtEnd: Bool { offset == bytes.count }

  /// A frame inside this one, its length before it.
  mutating func frame() throws(MalformedFrame) -> FrameReader {
    FrameReader(UnsafeRawBufferPointer(rebasing: try take(Int(number(UInt32.self)))))
  }

  /// Nothing may follow.
  func end() throws(MalformedFrame) {
    guard isAtEnd else { throw MalformedFrame("a frame is too long") }
  }

  private mutating func take(_ count: Int) throws(MalformedFrame) -> Slice<UnsafeRawBufferPointer> {
    guard count >= 0, count <= bytes.count - offset else {
      throw MalformedFrame("a frame ends too soon")
    }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }
}
