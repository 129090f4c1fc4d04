import ArgumentParser
import GRPC
import Glibc
import Logging

/// A server for outside suites, on nothing but the public interface of GRPC: gRPC's interop clients
/// call its TestService, Connect's conformance suite its ConformanceService.
@main
struct ConformanceServer: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve grpc.testing.TestService and connectrpc.conformance.v1.ConformanceService.",
    discussion: """
      Prints GRPC_READY:<port> and serves until a signal ends it. With --suite it is what \
      `connectconformance --mode server` starts: the first message on standard input says what to \
      serve, one on standard output says where, and SIGTERM is the end.
      """)

  @Option(help: "Port on loopback to listen on; 0 takes a free one.")
  var port = 0

  @Flag(help: "Be told what to serve by Connect's conformance suite.")
  var suite = false

  func run() throws {
    if suite {
      try SuiteProtocol.serve()
      return
    }
    let (_, bound) = try Self.start(port: port)
    let ready = Array("GRPC_READY:\(bound)\n".utf8)
    write(STDOUT_FILENO, ready, ready.count)
    while true { pause() }
  }

  /// - Parameter requestLimit: The longest request that ConformanceService takes, in bytes.
  static func start(
    port: Int, requestLimit: Int = ConformanceService.requestLimit,
    security: TransportSecurity = .plaintext
  ) throws -> (GRPCServer, port: Int) {
    let server = GRPCServer(
      methods: TestService.methods + HealthControl.methods
        + ConformanceService.methods(requestLimit: requestLimit),
      eventLoops: 2, logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() })
    let address = ServerAddress.tcp(host: "127.0.0.1", port: port)
    return (server, try server.listen(on: address, security: security).port ?? port)
  }
}
