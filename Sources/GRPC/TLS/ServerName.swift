internal import Glibc

/// The name that a server's certificate must be for.
///
/// Only the certificate's alternative names count: a common name says nothing to a client.
///
/// Source: RFC 9525 section 6.
enum ServerName: Hashable, CustomStringConvertible {
  /// In lower case, without the dot at the end of a full name.
  case dns(String)
  /// 4 or 16 bytes.
  case ip([UInt8])

  init(_ text: String) throws(TransportError) {
    if let bytes = Self.ipBytes(text) {
      self = .ip(bytes)
      return
    }
    let name = text.hasSuffix(".") ? text.dropLast() : text[...]
    // What a ClientHello has room for (RFC 6066 section 3), and nothing that ends a C string.
    guard (1...255).contains(name.utf8.count), name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw TransportError("\"\(text)\" is neither a host name nor an IP address") }
    self = .dns(name.lowercased())
  }

  private static func ipBytes(_ text: String) -> [UInt8]? {
    // An address of a link names its interface, which no certificate does.
    let address = String(text.prefix { $0 != "%" })
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: count)
      if inet_pton(family, address, &bytes) == 1 { return bytes }
    }
    return nil
  }

  /// What the ClientHello says; IP addresses are not said there (RFC 6066 section 3).
  var indication: String? {
    if case .dns(let name) = self { name } else { nil }
  }

  /// Whether a certificate with these alternative names is this server's.
  func isAmong(_ names: [PeerCertificate.Name]) -> Bool {
    names.contains { presented in
      switch (self, presented) {
      case (.ip(let bytes), .ip(let presented)): bytes == presented
      case (.dns(let name), .dns(let presented)): Self.matches(name, presented.lowercased())
      default: false
      }
    }
  }

  /// A `*` stands for the whole first label, and for one; not for that of a top-level domain.
  private static func matches(_ name: String, _ presented: String) -> Bool {
    let presented = presented.hasSuffix(".") ? String(presented.dropLast()) : presented
    guard presented.hasPrefix("*.") else { return name == presented }
    let domain = presented.dropFirst(2)
    guard let dot = name.firstIndex(of: "."), dot > name.startIndex, domain.contains(".") else {
      return false
    }
    return name[name.index(after: dot)...] == domain
  }

  var description: String {
    switch self {
    case .dns(let name): name
    case .ip(let bytes): "\(PeerCertificate.Name.ip(bytes))"
    }
  }
}
