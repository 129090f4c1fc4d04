internal import ConformanceSupport
internal import GRPC
internal import Threads

/// The clients of this program: one for each server and way to call it, which all its calls share.
final class Clients: Sendable {
  private struct Key: Hashable {
    let address: ServerAddress
    let serverCertificate: [UInt8]
    let certificate: [UInt8]
    let messageLimit: Int
  }

  private let files: TemporaryFiles
  private let known = Locked<[Key: GRPCClient]>([:])

  init() throws { files = try TemporaryFiles() }

  func client(for request: Suite.Request) throws -> GRPCClient {
    let key = Key(
      address: .tcp(host: request.host, port: Int(request.port)),
      serverCertificate: Array(request.serverTlsCert),
      certificate: Array(request.clientTlsCreds.cert),
      messageLimit: Int(request.messageReceiveLimit))
    return try known.withLock { known in
      if let client = known[key] { return client }
      let client = try make(key, request, number: known.count)
      known[key] = client
      return client
    }
  }

  private func make(_ key: Key, _ request: Suite.Request, number: Int) throws -> GRPCClient {
    var configuration = ClientConfiguration()
    if key.messageLimit > 0 { configuration.messageSize = key.messageLimit }
    guard !key.serverCertificate.isEmpty else {
      return GRPCClient(target: key.address, configuration: configuration)
    }
    var tls = TLSConfiguration(
      authorityFile: try files.add("\(number)-server.pem", key.serverCertificate))
    if request.hasClientTlsCreds {
      tls.identity = .init(
        certificateFile: try files.add("\(number)-client.pem", key.certificate),
        keyFile: try files.add("\(number)-client.key", Array(request.clientTlsCreds.key)))
    }
    return try GRPCClient(target: key.address, tls: tls, configuration: configuration)
  }

  func shutDown() async {
    for client in known.withLock({ Array($0.values) }) { await client.shutDown() }
  }

  func removeFiles() { files.remove() }
}
