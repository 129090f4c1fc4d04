internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import Glibc

/// grpc-swift-2 with its NIO transport and its defaults, serving what the benchmark calls.
@main
struct Peer {
  static func main() async throws {
    let transport = HTTP2ServerTransport.Posix(
      address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext)
    let server = GRPCServer(transport: transport, services: [TestService()])
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { try await server.serve() }
      let address = try await transport.listeningAddress
      let ready = Array("GRPC_READY:\(address.ipv4?.port ?? 0)\n".utf8)
      write(STDOUT_FILENO, ready, ready.count)
    }
  }
}
