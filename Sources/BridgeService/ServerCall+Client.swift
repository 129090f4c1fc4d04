internal import GRPC

extension ServerCall {
  /// Who calls, as a number that tells clients apart: by the token that let the call in, else by
  /// certificate, else by address without its port.
  var client: UInt64 {
    var hasher = Hasher()
    if let token {
      hasher.combine(0)
      hasher.combine(token)
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
