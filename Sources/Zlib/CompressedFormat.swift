internal import CZlib

/// A format of compressed data: deflate (RFC 1951) inside the header and checksum of one of two kinds.
///
/// This module alone imports zlib: https://zlib.net/manual.html
package enum CompressedFormat: Sendable {
  /// RFC 1952. Several streams may follow one another and are one content (section 2.2).
  case gzip
  /// RFC 1950. One stream.
  case zlib

  /// What zlib calls the size of the window, and the format: 15 bits, and 16 to ask for gzip.
  private var windowBits: CInt {
    switch self {
    case .gzip: 15 + 16
    case .zlib: 15
    }
  }

  /// On the heap: zlib remembers where a stream lies.
  private static func makeStream() -> UnsafeMutablePointer<z_stream> {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    return stream
  }

  // MARK: Deflate

  private static let memoryLevel: CInt = 8

  /// Compresses at zlib's default level. Takes about 10 ns a byte; any thread.
  package func deflate(_ content: [UInt8]) -> [UInt8] {
    let stream = Self.makeStream()
    defer { stream.deallocate() }
    // Z_OK or Z_MEM_ERROR; Z_STREAM_ERROR and Z_VERSION_ERROR would be mistakes of this file.
    let made = deflateInit2_(
      stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY,
      ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    precondition(made == Z_OK, "out of memory")
    defer { deflateEnd(stream) }
    let bound = Int(deflateBound(stream, uLong(content.count)))
    let compressed = [UInt8](unsafeUninitializedCapacity: bound) { space, count in
      content.withUnsafeBufferPointer { input in
        // zlib reads from it only.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        // More than 4 GiB in one piece end the program.
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = space.baseAddress
        stream.pointee.avail_out = UInt32(clamping: space.count)
        // Z_STREAM_END: with room for the bound, one step does it all.
        let done = CZlib.deflate(stream, Z_FINISH)
        precondition(done == Z_STREAM_END)
        count = space.count - Int(stream.pointee.avail_out)
      }
    }
    // The room for the bound is not kept with what may be held for long.
    return compressed.withUnsafeBufferPointer { Array($0) }
  }

  // MARK: Inflate

  /// Bytes that are inflated at a time.
  private static let chunkSize = 32 * 1024

  /// Inflates what `deflate`, or another program, has compressed. Any thread.
  ///
  /// - Parameter limit: The longest content, in bytes. Inflating stops there, whatever follows: it takes
  ///   no more memory than that and one chunk.
  package func inflate(_ compressed: ArraySlice<UInt8>, limit: Int) throws(InflateError) -> [UInt8]
  {
    guard let length = UInt32(exactly: compressed.count) else { throw .malformed }
    let stream = Self.makeStream()
    defer { stream.deallocate() }
    // As for deflateInit2_.
    let made = inflateInit2_(stream, windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    precondition(made == Z_OK, "out of memory")
    defer { inflateEnd(stream) }
    var content: [UInt8] = []
    let error = compressed.withUnsafeBufferPointer { input in
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = length
      return inflateAll(stream, into: &content, limit: limit)
    }
    if let error { throw error }
    return content
  }

  private func inflateAll(
    _ stream: UnsafeMutablePointer<z_stream>, into content: inout [UInt8], limit: Int
  ) -> InflateError? {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.chunkSize) { chunk in
      while true {
        stream.pointee.next_out = chunk.baseAddress
        stream.pointee.avail_out = UInt32(chunk.count)
        // Z_OK; Z_STREAM_END; Z_BUF_ERROR where the input ends too soon; Z_DATA_ERROR, Z_NEED_DICT
        // and, short of memory, Z_MEM_ERROR.
        let result = CZlib.inflate(stream, Z_NO_FLUSH)
        let count = chunk.count - Int(stream.pointee.avail_out)
        if content.count + count > limit { return .tooLong }
        content.append(contentsOf: UnsafeBufferPointer(rebasing: chunk[..<count]))
        switch result {
        case Z_OK: continue
        case Z_STREAM_END:
          let rest = Int(stream.pointee.avail_in)
          if rest == 0 { return nil }
          if self == .zlib { return .trailingBytes(rest) }
          inflateReset(stream)
        case Z_BUF_ERROR: return .truncated
        default: return .malformed
        }
      }
    }
  }
}
