internal import CNghttp2

/// Counts the frames of a client that carry no request, for `FrameBudget`, and finds those on streams
/// that the client itself has ended.
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
  /// The stream identifiers that the client left out last, when it did.
  private var gap: Range<UInt32> = 0..<0
  /// Streams that the client has not ended, in order. Whether we have is not asked: what it had sent by
  /// then may still come.
  private var unended: [UInt32] = []
  /// The last stream that was let go of though the client had not ended it, so that there is an end to
  /// them: clients need not end what we have reset.
  private var forgotten: UInt32 = 0
  /// How many are kept.
  private static let unendedLimit = 4096

  /// RFC 9113 section 3.4.
  private static let prefaceLength = 24
  private static let headerLength = 9

  /// What is wrong with a stream, beyond what a client may not have known.
  enum Offence: Equatable {
    /// DATA or HEADERS after its end by the client (RFC 9113 section 5.1, closed).
    case frameAfterEnd
    /// HEADERS of an identifier below one that was used (RFC 9113 section 5.1.1).
    case identifierTooLow
  }

  /// What a batch of input contains.
  struct Counts: Equatable {
    /// HEADERS that begin a stream.
    var newStreams = 0
    var resets = 0
    /// All others but CONTINUATION, DATA, and one end of each stream.
    var control = 0
    /// The first frame for which the connection has to end, if there is one.
    var offence: Offence?
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
      _ = end(stream)
      return
    case NGHTTP2_HEADERS.rawValue where stream > lastStream:
      isNew = true
      begin(stream)
      counts.newStreams += 1
    case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
      if let offence { counts.offence = counts.offence ?? offence }
    default:
      counts.control += 1
      return
    }
    if flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 {
      // Each stream ends once.
      if !end(stream) { counts.control += 1 }
    } else if !isNew && (UInt32(type) == NGHTTP2_HEADERS.rawValue || length == 0) {
      counts.control += 1
    } else if !isNew && flags & UInt8(NGHTTP2_FLAG_PADDED.rawValue) != 0 {
      awaitsPadding = true
      skipping = 0
    }
  }

  // MARK: Streams that the client has not ended

  private mutating func begin(_ stream: UInt32) {
    if stream > lastStream + 2 { gap = lastStream + 1..<stream }
    lastStream = stream
    if unended.count == Self.unendedLimit {
      forgotten = unended[Self.unendedLimit / 2 - 1]
      unended.removeFirst(Self.unendedLimit / 2)
    }
    unended.append(stream)
  }

  /// - Returns: Whether the stream had not ended.
  private mutating func end(_ stream: UInt32) -> Bool {
    // As a rule it is the newest.
    if unended.last == stream {
      unended.removeLast()
      return true
    }
    let index = firstIndex(from: stream)
    guard index < unended.count, unended[index] == stream else { return false }
    unended.remove(at: index)
    return true
  }

  /// What is wrong with DATA or HEADERS that begin no stream. Streams of ours, and those that nothing
  /// has begun, are left to nghttp2.
  private var offence: Offence? {
    guard stream & 1 == 1, stream <= lastStream, unended.last != stream else { return nil }
    if gap.contains(stream) {
      return UInt32(type) == NGHTTP2_HEADERS.rawValue ? .identifierTooLow : nil
    }
    guard stream > forgotten else { return nil }
    let index = firstIndex(from: stream)
    return index < unended.count && unended[index] == stream ? nil : .frameAfterEnd
  }

  /// Where the streams from this one on are.
  private func firstIndex(from stream: UInt32) -> Int {
    var low = 0
    var high = unended.count
    while low < high {
      let middle = (low + high) / 2
      if unended[middle] < stream { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
