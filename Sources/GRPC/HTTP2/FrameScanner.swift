internal import CNghttp2

/// Counts the frames of a client that carry no request, for `FrameBudget`.
///
/// nghttp2 tells of most frames, but not of those it ignores, which cost no less: frames of streams
/// that are over, frames of unknown types. So all are found here once more, by their headers alone
/// (RFC 9113 section 4.1). Pure; it takes a stream in whatever pieces it comes.
struct FrameScanner {
  /// Bytes until the next frame header, or until the next that matters.
  private var skipping = FrameScanner.prefaceLength
  /// What came of a header that is cut: its first bytes, and how many they are.
  private var header: UInt64 = 0
  private var headerCount = 0
  private var length = 0
  private var type: UInt8 = 0
  private var flags: UInt8 = 0
  private var stream: UInt32 = 0
  /// The next byte says how much of a DATA frame is padding.
  private var awaitsPadding = false

  private var lastStream: UInt32 = 0
  /// Streams that have not ended: each does so once.
  private var openEnds = 0

  /// RFC 9113 section 3.4.
  private static let prefaceLength = 24
  private static let headerLength = 9

  /// What a batch of input contains.
  struct Counts: Equatable {
    /// HEADERS that begin a stream.
    var newStreams = 0
    var resets = 0
    /// All others but CONTINUATION, DATA, and one end of each stream.
    var control = 0
  }

  /// Takes the next bytes.
  mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Counts {
    var counts = Counts()
    var position = 0
    while position < bytes.count {
      if skipping > 0 {
        let step = min(skipping, bytes.count - position)
        skipping -= step
        position += step
      } else if awaitsPadding {
        awaitsPadding = false
        skipping = length - 1
        if Int(bytes[position]) >= length - 1 { counts.control += 1 }
        position += 1
      } else if headerCount == 0 && bytes.count - position >= Self.headerLength {
        let first = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        readHeader(UInt64(bigEndian: first), last: bytes[position + 8])
        position += Self.headerLength
        countFrame(in: &counts)
      } else {
        headerCount += 1
        if headerCount < Self.headerLength {
          header = header << 8 | UInt64(bytes[position])
        } else {
          headerCount = 0
          readHeader(header, last: bytes[position])
          countFrame(in: &counts)
        }
        position += 1
      }
    }
    return counts
  }

  private mutating func readHeader(_ first: UInt64, last: UInt8) {
    length = Int(first >> 40)
    type = UInt8(truncatingIfNeeded: first >> 32)
    flags = UInt8(truncatingIfNeeded: first >> 24)
    // The highest bit is reserved.
    stream = (UInt32(truncatingIfNeeded: first) << 8 | UInt32(last)) & 0x7FFF_FFFF
    skipping = length
  }

  /// Counts the frame whose header is complete.
  private mutating func countFrame(in counts: inout Counts) {
    var isNew = false
    switch UInt32(type) {
    case NGHTTP2_CONTINUATION.rawValue: return
    case NGHTTP2_RST_STREAM.rawValue:
      counts.resets += 1
      return
    case NGHTTP2_HEADERS.rawValue where stream > lastStream:
      isNew = true
      lastStream = stream
      openEnds += 1
      counts.newStreams += 1
    case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue: break
    default:
      counts.control += 1
      return
    }
    if flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 {
      // Each stream ends once.
      if openEnds == 0 { counts.control += 1 } else { openEnds -= 1 }
    } else if !isNew && (UInt32(type) == NGHTTP2_HEADERS.rawValue || length == 0) {
      counts.control += 1
    } else if !isNew && flags & UInt8(NGHTTP2_FLAG_PADDED.rawValue) != 0 {
      awaitsPadding = true
      skipping = 0
    }
  }
}
