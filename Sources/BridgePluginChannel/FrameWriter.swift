internal import BridgeSessions
internal import BridgeTools

/// Writes one frame of the channel: numbers little-endian, texts with their length before them.
///
/// What is large is not written into the frame but put beside it, to be handed over in shared memory.
package struct FrameWriter {
  /// The frame itself.
  private(set) var bytes: [UInt8] = []
  /// What goes beside it, in order, each with its place in the shared memory.
  private(set) var blobs: [(offset: Int, blob: Blob)] = []
  /// How much room the blobs take.
  package private(set) var blobSize = 0

  /// From this size on bytes go beside the frame.
  static let blobThreshold = 64 * 1024
  /// Where a blob may begin: at the border of a line of the cache, so that numbers are aligned.
  static let alignment = 64

  /// An empty frame.
  init() { bytes.reserveCapacity(256) }

  mutating func write(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

  mutating func write(_ number: Double) { write(number.bitPattern) }

  mutating func write(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      write(UInt32(utf8.count))
      bytes.append(contentsOf: utf8)
    }
  }

  /// Writes a value that may be missing.
  mutating func write<Value>(
    _ value: Value?, _ body: (inout FrameWriter, Value) -> Void
  ) {
    write(value != nil)
    if let value { body(&self, value) }
  }

  /// Writes a list, its count first.
  mutating func write<List: Collection>(
    list: List, _ body: (inout FrameWriter, List.Element) -> Void
  ) {
    write(UInt32(list.count))
    for element in list { body(&self, element) }
  }

  /// Writes bytes, or puts them beside the frame where they are many.
  mutating func write(payload: [UInt8]) {
    if payload.count < Self.blobThreshold {
      write(false)
      write(UInt32(payload.count))
      bytes.append(contentsOf: payload)
    } else {
      add(Blob(payload))
    }
  }

  mutating func write(payload: Blob) {
    if payload.count < Self.blobThreshold {
      write(false)
      write(UInt32(payload.count))
      payload.withUnsafeBytes { bytes.append(contentsOf: $0) }
    } else {
      add(payload)
    }
  }

  private mutating func add(_ blob: Blob) {
    write(true)
    write(UInt64(blobSize))
    write(UInt64(blob.count))
    blobs.append((blobSize, blob))
    blobSize += (blob.count + Self.alignment - 1) / Self.alignment * Self.alignment
  }
}
