/// Where a server is.
public struct ClientTarget: Sendable, Hashable, CustomStringConvertible {
  enum Place: Sendable, Hashable {
    case tcp(host: String, port: Int)
    case unix(path: String)
  }

  let place: Place

  /// A host, by name or address, and a port.
  public static func tcp(host: String, port: Int) -> ClientTarget {
    ClientTarget(place: .tcp(host: host, port: port))
  }

  /// A Unix domain socket.
  public static func unix(path: String) -> ClientTarget {
    ClientTarget(place: .unix(path: path))
  }

  private init(place: Place) { self.place = place }

  /// Reads `host:port`, `[IPv6 address]:port` or `unix:path`.
  ///
  /// - Returns: nil when the text is none of these.
  ///
  /// Source: https://github.com/grpc/grpc/blob/master/doc/naming.md
  public init?(_ text: String) {
    if text.hasPrefix("unix:") {
      var path = text.dropFirst(5)
      if path.hasPrefix("///") { path = path.dropFirst(2) }
      if path.isEmpty { return nil }
      self.init(place: .unix(path: String(path)))
      return
    }
    guard let colon = text.lastIndex(of: ":"),
      let port = UInt16(text[text.index(after: colon)...]), port > 0
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    if host.isEmpty { return nil }
    self.init(place: .tcp(host: String(host), port: Int(port)))
  }

  public var description: String {
    switch place {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// What calls name as their `:authority`.
  var authority: String {
    switch place {
    case .tcp: description
    case .unix: "localhost"
    }
  }
}
