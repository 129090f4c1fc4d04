internal import ArgumentParser
internal import GRPC
internal import NIOCore

/// The options of every command that talks to a running host.
struct ClientOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: "The host: HOST:PORT, [IPV6]:PORT or unix:PATH. (default: 127.0.0.1:50051)",
    transform: ServerAddress.argument)
  var address = ServerAddress.tcp(host: "127.0.0.1", port: 50_051)

  @Option(
    parsing: .unconditional,
    help: "Seconds the command may take; without it, calls that answer once get 30.",
    transform: seconds(upTo: 1_000_000_000))
  var timeout: Double?

  @Flag(help: "Wait for the host while it cannot be reached, instead of failing at once.")
  var wait = false

  @Option(1...100, help: "How often to ask a host that answers UNAVAILABLE; writes are made once.")
  var attempts = 1

  @Option(0...Int(Int32.max), help: "Compress requests from so many bytes; 0 never does.")
  var compressFrom = 0

  @Flag(help: "Print JSON, one object a line.")
  var json = false

  @OptionGroup(title: "TLS and tokens") var access: AccessOptions

  func validate() throws {
    if address.port == 0 { throw ValidationError("--address names the port 0, which none has") }
    try access.validate(for: address)
  }

  /// Runs a command's calls. A call that fails is one line on standard error and exit code 1.
  func run(_ body: @escaping @Sendable (HostClient) async throws -> Void) throws {
    var configuration = ClientConfiguration()
    // What a host sends is bounded by what it was given.
    configuration.messageSize = Int(Int32.max)
    // Watches are never silent for so long: their heartbeats come more often.
    configuration.keepalive = ClientConfiguration.Keepalive(time: .seconds(60))
    try failingPlainly {
      let client = try access.access.makeClient(of: address, configuration)
      let host = HostClient(
        client: client, metadata: try access.access.makeMetadata(for: address), waits: wait,
        timeout: timeout,
        attempts: attempts, compressionThreshold: compressFrom == 0 ? nil : compressFrom)
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
