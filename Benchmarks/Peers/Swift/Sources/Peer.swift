import GRPCCore
import GRPCNIOTransportHTTP2
import Glibc

/// grpc-swift-2 with its NIO transport and its defaults, serving what the benchmark calls.
@main
struct Peer {
  static func main() async throws {
    let server = GRPCServer(
      transport: .http2NIOPosix(
        address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext),
      services: [TestService()])
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { try await server.serve() }
      if let port = try await server.listeningAddress?.ipv4?.port {
        let ready = Array("GRPC_READY:\(port)\n".utf8)
        write(STDOUT_FILENO, ready, ready.count)
      }
    }
  }
}
