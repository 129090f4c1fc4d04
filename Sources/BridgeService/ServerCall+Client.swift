internal import GRPC

extension ServerCall {
  /// Who calls, as a number that tells clients apart: by the token that let the call in, else by
  /// certificate, else by machine.
  var client: UInt64 {
    if let token {
      var hasher = Hasher()
      hasher.combine(0)
      hasher.combine(token)
      return UInt64(bitPattern: Int64(hasher.finalize()))
    }
    // Every call of the connection comes from the same peer.
    if let known = connectionState as? PeerNumber { return known.number }
    let new = PeerNumber(peer)
    connectionState = new
    return new.number
  }
}

/// The number of a connection's peer.
private final class PeerNumber {
  let number: UInt64

  init(_ peer: Peer) {
    var hasher = Hasher()
    if let certificate = peer.certificate {
      hasher.combine(1)
      hasher.combine(certificate)
    } else {
      hasher.combine(2)
      hasher.combine(peer.host)
    }
    number = UInt64(bitPattern: Int64(hasher.finalize()))
  }
}
