internal import GRPC
internal import NIOCore

/// The gRPC server and its listeners.
final class ServerComponent: HostComponent {
  let name = "server"
  let server: GRPCServer
  /// Every address with the port that was taken, in the order they were given.
  private(set) var addresses: [ServerAddress] = []
  private let listening: ListeningOptions
  private let admission: TokenAdmission?
  /// How long open calls may take to finish at the end.
  var grace: TimeAmount

  /// - Parameter grace: At first.
  init(
    _ server: GRPCServer, listening: ListeningOptions, admission: TokenAdmission?,
    grace: TimeAmount
  ) {
    self.server = server
    self.listening = listening
    self.admission = admission
    self.grace = grace
  }

  /// Listens on every address.
  func start() throws {
    do {
      addresses = try listening.open(server)
    } catch {
      // Removes the files of the sockets that were opened.
      server.shutDown(grace: .zero)
      throw error
    }
    admission?.watch(on: server.eventLoopGroup)
  }

  func stop() { server.shutDown(grace: grace) }

  /// What a launcher waits for: the port of the first TCP address, or the first Unix socket.
  var readyName: String {
    addresses.lazy.compactMap(\.port).first.map { "\($0)" } ?? "\(addresses[0])"
  }
}
