/// A message as it came. One that is compressed is inflated later, where that holds up nobody: until
/// then it takes no more memory than it took of the stream's window.
struct ReceivedMessage: Sendable {
  let bytes: [UInt8]
  let isCompressed: Bool

  /// Its size on the stream.
  var framedSize: Int { SendBuffer.framedSize(of: bytes) }

  /// What it says.
  ///
  /// - Parameter limit: Its longest size.
  /// - Throws: As `Gzip.decompress`.
  func content(limit: Int) throws(RPCError) -> [UInt8] {
    isCompressed ? try Gzip.decompress(bytes, limit: limit) : bytes
  }
}
