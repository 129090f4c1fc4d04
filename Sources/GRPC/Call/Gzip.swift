internal import Zlib

/// The gzip encoding of messages (RFC 1952). Every message is compressed by itself.
enum Gzip {
  static func compress(_ bytes: [UInt8]) -> [UInt8] { CompressedFormat.gzip.deflate(bytes) }

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
    do throws(InflateError) {
      return try CompressedFormat.gzip.inflate(bytes[...], limit: limit)
    } catch {
      switch error {
      case .tooLong: return nil
      case .truncated: throw RPCError(.internalError, "the compressed message is cut short")
      case .malformed, .trailingBytes:
        throw RPCError(.internalError, "the compressed message is not gzip")
      }
    }
  }
}
