/// A request as its caller gave it, kept for further attempts.
struct SentMessage: Sendable {
  let bytes: [UInt8]
  /// nil leaves it to `CallOptions.compressionThreshold`.
  var isCompressed: Bool?

  /// Its size on the stream when it is not compressed.
  var framedSize: Int { SendBuffer.framedSize(of: bytes) }
}
