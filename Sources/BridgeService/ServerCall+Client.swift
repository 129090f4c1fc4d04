internal import GRPC

extension ServerCall {
  /// Who calls, as a number that tells clients apart: by token, else by certificate, else by address
  /// without its port.
  var client: UInt64 {
    var hasher = Hasher()
    if hasMetadata("authorization"), let token = metadata["authorization"] {
      hasher.combine(0)
      for byte in token.utf8 { hasher.combine(byte) }
    } else if let certificate = peer.certificate {
      hasher.combine(1)
      hasher.combine(certificate)
    } else {
      hasher.combine(2)
      let address = peer.address.utf8
      let host = address.lastIndex(of: UInt8(ascii: ":")).map { address[..<$0] } ?? address[...]
      for byte in host { hasher.combine(byte) }
    }
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }
}
