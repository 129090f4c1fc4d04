internal import ArgumentParser
internal import GRPC

/// Where a collector of OpenTelemetry listens: `http://HOST:PORT`, `https://HOST:PORT` or `HOST:PORT`.
struct OTLPEndpoint: Equatable {
  let address: ServerAddress
  let usesTLS: Bool

  /// Reads an argument; without a scheme it is that of plaintext.
  static func argument(_ text: String) throws -> OTLPEndpoint {
    var rest = text[...]
    var usesTLS = false
    if let end = text.firstRange(of: "://") {
      switch text[..<end.lowerBound].lowercased() {
      case "http": break
      case "https": usesTLS = true
      default: throw ValidationError("\(text) is neither http:// nor https://")
      }
      rest = text[end.upperBound...]
      if rest.hasSuffix("/") { rest = rest.dropLast() }
    }
    let address = try ServerAddress.argument(String(rest))
    guard let port = address.port, port != 0 else {
      throw ValidationError("\(text) names no port that a collector could listen on")
    }
    return OTLPEndpoint(address: address, usesTLS: usesTLS)
  }
}
