internal import CZlib

/// Inflates zlib streams (RFC 1950).
enum Zlib {
  struct InflateError: Error {
    /// What is wrong with the stream, as the end of a sentence.
    let reason: String
  }

  /// Deflate makes nothing smaller than this; a claim beyond it is no true one.
  private static let bestRatio = 1032

  /// Bytes that are inflated at a time.
  private static let chunk = 32 * 1024

  /// Inflates a stream of which it is known how long its content is.
  ///
  /// Memory is taken as content comes, and for no more than one chunk beyond `size`.
  ///
  /// - Throws: When the stream is damaged, or its content is not of `size` bytes.
  static func inflate(
    _ compressed: ArraySlice<UInt8>, size: Int
  ) throws(InflateError) -> [UInt8] {
    guard size / bestRatio <= compressed.count else {
      throw InflateError(
        reason: "cannot have \(size) bytes: it is \(compressed.count) bytes long")
    }
    var stream = z_stream()
    // inflateInit_: Z_OK, Z_MEM_ERROR, Z_VERSION_ERROR
    guard inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw InflateError(reason: "cannot be inflated: out of memory")
    }
    defer { inflateEnd(&stream) }

    var content: [UInt8] = []
    var status = Z_OK
    compressed.withUnsafeBufferPointer { input in
      // zlib reads from it only.
      stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.avail_in = UInt32(input.count)
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: chunk) { output in
        while status == Z_OK, content.count <= size {
          stream.next_out = output.baseAddress
          stream.avail_out = UInt32(output.count)
          // inflate: Z_OK, Z_STREAM_END, Z_NEED_DICT, Z_DATA_ERROR, Z_MEM_ERROR, Z_BUF_ERROR when
          // the input ends too early
          status = CZlib.inflate(&stream, Z_NO_FLUSH)
          content.append(contentsOf: output.prefix(output.count - Int(stream.avail_out)))
        }
      }
    }
    guard content.count <= size else {
      throw InflateError(reason: "is longer than the \(size) bytes it claims")
    }
    guard status == Z_STREAM_END else {
      throw InflateError(reason: "is damaged or cut off")
    }
    guard content.count == size else {
      throw InflateError(reason: "has \(content.count) bytes, it claims \(size)")
    }
    guard stream.avail_in == 0 else {
      throw InflateError(reason: "is followed by \(stream.avail_in) bytes")
    }
    return content
  }
}
