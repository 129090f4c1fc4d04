/// How the messages of one direction of a call may be encoded. Servers and clients read and make
/// the same.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/compression.md
enum MessageEncoding {
  case identity
  /// Each message may be compressed, and says whether it is.
  case gzip

  /// The value of `grpc-accept-encoding`: all that are read.
  static let accepted = "identity,gzip"

  /// - Parameter name: The value of `grpc-encoding`; nil comes of one that is not supported.
  init?(_ name: some Sequence<UInt8>) {
    if name.elementsEqual("gzip".utf8) {
      self = .gzip
    } else if name.elementsEqual("identity".utf8) {
      self = .identity
    } else {
      return nil
    }
  }
}
