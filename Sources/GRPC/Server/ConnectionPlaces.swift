internal import NIOCore
internal import Threads

/// The connections that a server may have, and whose they are.
///
/// The last eighth is for hosts that have few: one client cannot take them all. Thread-safe.
final class ConnectionPlaces: Sendable {
  /// How many there are.
  let limit: Int
  /// From so many on, only hosts with fewer than `few` get another.
  let open: Int
  /// How many a host may have and still take one of the last.
  let few: Int

  private struct State {
    var total = 0
    var hosts: [PeerHost: Int] = [:]
    var refused = 0
    /// Those of them that no warning has told of, and when the last one was.
    var unsaid = 0
    var warnedAt: NIODeadline?
  }

  private let state = Locked(State())
  private static let warningInterval = TimeAmount.minutes(1)

  init(_ limit: Int) {
    self.limit = limit
    let reserve = limit / 8
    open = limit - reserve
    few = max(1, reserve / 8)
  }

  /// - Returns: Whether there was a place, which is given back when the connection is closed.
  func take(_ host: PeerHost) -> Bool {
    state.withLock { state in
      let count = state.hosts[host, default: 0]
      guard state.total < open || (state.total < limit && count < few) else {
        state.refused += 1
        state.unsaid += 1
        return false
      }
      state.total += 1
      state.hosts[host] = count + 1
      return true
    }
  }

  func giveBack(_ host: PeerHost) {
    state.withLock { state in
      state.total -= 1
      let count = state.hosts[host, default: 0] - 1
      state.hosts[host] = count > 0 ? count : nil
    }
  }

  /// Connections that were refused so far.
  var refused: Int { state.withLock(\.refused) }

  /// Connections that a warning is to tell of now; nil when the last one was less than a minute ago.
  func toWarnOf(now: NIODeadline) -> Int? {
    state.withLock { state in
      if let warnedAt = state.warnedAt, now - warnedAt < Self.warningInterval { return nil }
      defer { state.unsaid = 0 }
      state.warnedAt = now
      return state.unsaid
    }
  }
}

/// What tells the machines of clients apart: an IPv4 address, or the first 64 bits of an IPv6 address, as
/// one machine usually has all that follow. All addresses of the loopback interface are one machine, and so
/// are clients of Unix domain sockets.
package enum PeerHost: Hashable, Sendable {
  case loopback
  case v4(UInt32)
  case v6(UInt64)
  case unix

  init(_ address: SocketAddress?) {
    switch address {
    case .v4(let address): self.init(v4: UInt32(bigEndian: address.address.sin_addr.s_addr))
    case .v6(let address):
      self = withUnsafeBytes(of: address.address.sin6_addr) { bytes in
        let upper = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        let lower = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        // IPv4 on a socket for both: RFC 4291 section 2.5.5.2.
        if upper == 0 && lower >> 32 == 0xffff {
          return Self(v4: UInt32(truncatingIfNeeded: lower))
        }
        return upper == 0 && lower == 1 ? .loopback : .v6(upper)
      }
    case .unixDomainSocket, nil: self = .unix
    }
  }

  /// 127.0.0.0/8 is the loopback interface: RFC 1122 section 3.2.1.3.
  private init(v4 address: UInt32) { self = address >> 24 == 127 ? .loopback : .v4(address) }
}
