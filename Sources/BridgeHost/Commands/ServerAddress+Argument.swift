internal import ArgumentParser
internal import GRPC

extension ServerAddress {
  /// Reads an address of the command line.
  static func argument(_ text: String) throws -> ServerAddress {
    do {
      return try ServerAddress(parsing: text)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// Bytes of the path of a Unix socket. Source: unix(7), sun_path.
  private static let longestSocketPath = 107

  /// Reads an address to listen on. The path of a Unix socket is made absolute, so that its file is
  /// found again at the end; one that would then be too long for a socket stays as it is.
  static func listeningArgument(_ text: String) throws -> ServerAddress {
    let address = try argument(text)
    guard case .unix(let path) = address else { return address }
    let absolute = FilePath.absolute(path)
    return absolute.utf8.count <= longestSocketPath ? .unix(path: absolute) : address
  }
}
