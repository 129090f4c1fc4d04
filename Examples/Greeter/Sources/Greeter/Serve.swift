import Dispatch
import GRPC
import GRPCServices
import Glibc
import Logging
import NIOCore

/// Serves until SIGINT or SIGTERM.
func serve(on address: ServerAddress, tls: TLSConfiguration?) async throws {
  let signals = Signals()
  let health = HealthStatus()
  health.set(.serving)
  health.set(.serving, for: Greeter.name)
  let server = GRPCServer(
    methods: GreeterService.methods + HealthService(health).methods, eventLoops: 2,
    logger: Logger(label: "greeter"))
  let bound = try await server.listen(
    on: address, security: tls.map { .tls($0) } ?? .plaintext)
  print("GRPC_READY:\(bound)")
  fflush(nil)

  await signals.wait()
  health.drain()
  await server.shutDown(grace: .seconds(5))
}

/// SIGINT and SIGTERM, heard from the moment this is made.
private final class Signals {
  private let heard: AsyncStream<Void>
  private let sources: [any DispatchSourceSignal]

  init() {
    let (heard, continuation) = AsyncStream<Void>.makeStream()
    let registered = DispatchGroup()
    self.heard = heard
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler { continuation.yield() }
      registered.enter()
      source.setRegistrationHandler { registered.leave() }
      source.resume()
      return source
    }
    // Until then a signal would go unheard.
    registered.wait()
  }

  /// Waits for the first.
  func wait() async {
    for await _ in heard { return }
  }
}
