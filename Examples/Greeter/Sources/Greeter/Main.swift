import GRPC
import Glibc

/// Serves greetings and asks for them.
///
///     Greeter serve 127.0.0.1:50061
///     Greeter call 127.0.0.1:50061
///
/// With a certificate and its key, `serve` speaks TLS; with the authority's certificate, `call` does:
///
///     Greeter serve 127.0.0.1:50061 server.pem server.key
///     Greeter call 127.0.0.1:50061 ca.pem
@main
enum Main {
  static func main() async throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch (arguments.first, arguments.count) {
    case ("serve", 2):
      try await serve(on: ServerAddress(parsing: arguments[1]), tls: nil)
    case ("serve", 4):
      let identity = TLSConfiguration.Identity(
        certificateFile: arguments[2], keyFile: arguments[3])
      try await serve(
        on: ServerAddress(parsing: arguments[1]), tls: TLSConfiguration(identity: identity))
    case ("call", 2):
      try await call(ServerAddress(parsing: arguments[1]), tls: nil)
    case ("call", 3):
      try await call(
        ServerAddress(parsing: arguments[1]), tls: TLSConfiguration(authorityFile: arguments[2]))
    default:
      print("usage: Greeter serve ADDRESS [CERTIFICATE KEY] | Greeter call ADDRESS [AUTHORITY]")
      exit(64)
    }
  }
}
