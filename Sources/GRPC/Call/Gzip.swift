internal import CZlib

/// The gzip encoding of messages (RFC 1952), made and read with zlib.
///
/// Every message is a gzip stream of its own. zlib: https://zlib.net/manual.html
enum Gzip {
  /// 15 bits of window, and 16 to ask for the gzip format instead of zlib's own.
  private static let windowBits: CInt = 15 + 16
  private static let memoryLevel: CInt = 8
  private static let chunkSize = 32 * 1024

  static func compress(_ bytes: [UInt8]) -> [UInt8] {
    // On the heap: zlib remembers where the stream lies.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    // Z_OK or Z_MEM_ERROR; Z_STREAM_ERROR and Z_VERSION_ERROR would be mistakes of this file.
    let made = deflateInit2_(
      stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, windowBits, memoryLevel, Z_DEFAULT_STRATEGY,
      ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    precondition(made == Z_OK, "out of memory")
    defer { deflateEnd(stream) }
    let bound = Int(deflateBound(stream, uLong(bytes.count)))
    let compressed = [UInt8](unsafeUninitializedCapacity: bound) { space, count in
      bytes.withUnsafeBufferPointer { input in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        // A message is at most 4 GiB, by its prefix.
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = space.baseAddress
        stream.pointee.avail_out = UInt32(clamping: space.count)
        // With room for the bound, one step does it all.
        let done = deflate(stream, Z_FINISH)
        precondition(done == Z_STREAM_END)
        count = space.count - Int(stream.pointee.avail_out)
      }
    }
    // The room for the bound is not kept with a message that may wait.
    return compressed.withUnsafeBufferPointer { Array($0) }
  }

  /// The message that `bytes` stand for.
  ///
  /// - Parameter limit: Its longest size. Inflating stops there, whatever follows.
  /// - Throws: RESOURCE_EXHAUSTED over the limit, INTERNAL for what is not gzip or is cut short.
  static func decompress(_ bytes: [UInt8], limit: Int) throws(RPCError) -> [UInt8] {
    if let message = try decompress(bytes, upTo: limit) { return message }
    throw RPCError(
      .resourceExhausted,
      "the message of \(bytes.count) bytes inflates to more than the limit of \(limit) bytes")
  }

  /// As above; nil for what is longer.
  static func decompress(_ bytes: [UInt8], upTo limit: Int) throws(RPCError) -> [UInt8]? {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    // As above.
    let made = inflateInit2_(
      stream, windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    precondition(made == Z_OK, "out of memory")
    defer { inflateEnd(stream) }
    var message: [UInt8] = []
    let outcome = bytes.withUnsafeBufferPointer { input in
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = UInt32(input.count)
      return inflateAll(stream, into: &message, limit: limit)
    }
    switch outcome {
    case .complete: return message
    case .malformed: throw RPCError(.internalError, "the compressed message is not gzip")
    case .truncated: throw RPCError(.internalError, "the compressed message is cut short")
    case .tooLong: return nil
    }
  }

  private enum Outcome {
    case complete
    case malformed
    case truncated
    case tooLong
  }

  private static func inflateAll(
    _ stream: UnsafeMutablePointer<z_stream>, into message: inout [UInt8], limit: Int
  ) -> Outcome {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: chunkSize) { chunk in
      while true {
        stream.pointee.next_out = chunk.baseAddress
        stream.pointee.avail_out = UInt32(chunk.count)
        // Z_OK; Z_STREAM_END; Z_BUF_ERROR where the input ends too soon; Z_DATA_ERROR, Z_NEED_DICT
        // and, short of memory, Z_MEM_ERROR.
        let result = inflate(stream, Z_NO_FLUSH)
        let count = chunk.count - Int(stream.pointee.avail_out)
        if message.count + count > limit { return .tooLong }
        message.append(contentsOf: UnsafeBufferPointer(rebasing: chunk[..<count]))
        switch result {
        case Z_OK: continue
        case Z_STREAM_END:
          if stream.pointee.avail_in == 0 { return .complete }
          // A gzip file may have several members, one after another (RFC 1952 section 2.2).
          inflateReset(stream)
        case Z_BUF_ERROR: return .truncated
        default: return .malformed
        }
      }
    }
  }
}
