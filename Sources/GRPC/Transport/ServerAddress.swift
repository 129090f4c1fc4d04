/// Where a server listens and its clients call it: a TCP address or the path of a Unix domain
/// socket.
public enum ServerAddress: Sendable, Hashable, CustomStringConvertible {
  /// - Parameters:
  ///   - host: A name or an IP address, IPv6 without brackets.
  ///   - port: A server that listens on 0 takes a free one.
  case tcp(host: String, port: Int)
  case unix(path: String)

  /// Reads `HOST:PORT`, `[IPV6]:PORT`, `unix:PATH` or `unix:///ABSOLUTE/PATH`.
  ///
  /// Source for `unix:`: https://github.com/grpc/grpc/blob/master/doc/naming.md
  public init(parsing text: String) throws(TransportError) {
    if text.hasPrefix("unix:") {
      var path = text.dropFirst("unix:".count)
      if path.hasPrefix("//") {
        path = path.dropFirst(2)
        guard path.hasPrefix("/") else {
          throw TransportError("\"\(text)\" names no absolute path after unix://")
        }
      }
      guard !path.isEmpty else { throw TransportError("\"\(text)\" names no path after unix:") }
      self = .unix(path: String(path))
      return
    }
    guard let colon = text.lastIndex(of: ":"),
      let port = Self.port(text[text.index(after: colon)...])
    else {
      throw TransportError(
        "\"\(text)\" is not an address: write HOST:PORT, [IPV6]:PORT or unix:/PATH")
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw TransportError(
        "\"\(text)\" is ambiguous: an IPv6 address goes in brackets, [::1]:50051")
    }
    guard !host.isEmpty else { throw TransportError("\"\(text)\" names no host before the port") }
    self = .tcp(host: String(host), port: port)
  }

  private static func port(_ digits: Substring) -> Int? {
    guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let port = Int(digits), port <= 65_535
    else { return nil }
    return port
  }

  /// The TCP port; nil for a Unix domain socket.
  public var port: Int? {
    if case .tcp(_, let port) = self { port } else { nil }
  }

  /// Whether only this machine reaches the address: loopback and Unix domain sockets.
  ///
  /// Loopback is told by its number or as `localhost` (RFC 6761 section 6.3); any other name counts
  /// as remote, whatever it resolves to.
  public var isLocal: Bool {
    switch self {
    case .unix: return true
    case .tcp(let host, _):
      if host == "::1" || host == "localhost" { return true }
      let parts = host.split(separator: ".", omittingEmptySubsequences: false)
      return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
  }

  /// What calls name as their `:authority`.
  var authority: String {
    switch self {
    case .tcp: description
    case .unix: "localhost"
    }
  }

  public var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
  }
}
