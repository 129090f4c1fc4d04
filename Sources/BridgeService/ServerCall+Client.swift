internal import GRPC

extension ServerCall {
  /// Who calls, as a number that tells clients apart: by the token that let the call in, else by
  /// certificate, else by machine.
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
      hasher.combine(peer.host)
    }
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }
}
