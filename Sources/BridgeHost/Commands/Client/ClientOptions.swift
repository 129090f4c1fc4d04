import ArgumentParser
import GRPC
import NIOCore

/// The options of every command that talks to a running host.
struct ClientOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The host: HOST:PORT, or unix:PATH.")
  var address = "127.0.0.1:50051"

  @Option(
    parsing: .unconditional,
    help: "Seconds the command may take; without it, calls that answer once get 30.",
    transform: seconds(upTo: 1_000_000_000))
  var timeout: Double?

  @Flag(help: "Wait for the host while it cannot be reached, instead of failing at once.")
  var wait = false

  @Option(1...100, help: "How often to ask a host that answers UNAVAILABLE; writes are made once.")
  var attempts = 1

  @Flag(help: "Print JSON, one object a line.")
  var json = false

  func validate() throws {
    guard ClientTarget(address) != nil else {
      throw ValidationError(
        "--address is \"\(address)\", it must be HOST:PORT, with a port from 1 to 65535, or "
          + "unix:PATH")
    }
  }

  /// Runs a command's calls. A call that fails is one line on standard error and exit code 1.
  func run(_ body: @escaping @Sendable (HostClient) async throws -> Void) throws {
    var configuration = ClientConfiguration()
    // What a host sends is bounded by what it was given.
    configuration.messageSize = Int(Int32.max)
    // Watches are never silent for so long: their heartbeats come more often.
    configuration.keepalive = ClientConfiguration.Keepalive(time: .seconds(60))
    let client = GRPCClient(target: ClientTarget(address)!, configuration: configuration)
    let host = HostClient(client: client, waits: wait, timeout: timeout, attempts: attempts)
    try failingPlainly {
      do {
        try client.eventLoop.makeFutureWithTask {
          try await body(host)
        }.wait()
      } catch let error as RPCError {
        let text = error.message.split(whereSeparator: \.isNewline).joined(separator: " ")
        throw PlainError(text.isEmpty ? error.code.name : "\(error.code.name): \(text)")
      }
    }
  }
}

/// The session a command works in.
struct SessionOption: ParsableArguments {
  @Option(name: .shortAndLong, help: "The session's id.")
  var session = "default"
}
