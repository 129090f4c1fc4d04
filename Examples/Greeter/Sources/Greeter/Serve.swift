import Dispatch
import GRPC
import GRPCServices
import Glibc
import Logging
import NIOCore

/// Serves until SIGINT or SIGTERM.
func serve(on address: ServerAddress, tls: TLSConfiguration?) async throws {
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

  await signalled()
  health.drain()
  await server.shutDown(grace: .seconds(5))
}

/// Waits for SIGINT or SIGTERM.
private func signalled() async {
  let (signals, continuation) = AsyncStream<Void>.makeStream()
  let sources = [SIGINT, SIGTERM].map { number in
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number)
    source.setEventHandler { continuation.yield() }
    source.resume()
    return source
  }
  for await _ in signals { break }
  for source in sources { source.cancel() }
}
