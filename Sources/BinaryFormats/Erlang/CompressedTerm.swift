internal import Zlib

/// Inflates compressed terms: zlib streams (RFC 1950) of which it is known how long their content is.
enum CompressedTerm {
  struct Fault: Error {
    /// What is wrong with the stream, as the end of a sentence.
    let reason: String
  }

  /// Deflate makes nothing smaller than this; a claim beyond it is no true one.
  private static let bestRatio = 1032

  /// Memory is taken as content comes, and for no more than one chunk beyond `size`.
  ///
  /// - Throws: When the stream is damaged, or its content is not of `size` bytes.
  static func inflate(_ compressed: ArraySlice<UInt8>, size: Int) throws(Fault) -> [UInt8] {
    guard size / bestRatio <= compressed.count else {
      throw Fault(reason: "cannot have \(size) bytes: it is \(compressed.count) bytes long")
    }
    let content: [UInt8]
    do throws(InflateError) {
      content = try CompressedFormat.zlib.inflate(compressed, limit: size)
    } catch {
      let reason =
        switch error {
        case .tooLong: "is longer than the \(size) bytes it claims"
        case .malformed, .truncated: "is damaged or cut off"
        case .trailingBytes(let count): "is followed by \(count) bytes"
        }
      throw Fault(reason: reason)
    }
    guard content.count == size else {
      throw Fault(reason: "has \(content.count) bytes, it claims \(size)")
    }
    return content
  }
}
