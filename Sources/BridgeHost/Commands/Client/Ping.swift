internal import ArgumentParser
internal import BridgeProtocol
internal import JSON

/// `bridge-host ping`: tells whether a host answers, and how fast.
struct Ping: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ping",
    abstract: "Ask a running host for a sign of life.")

  @OptionGroup var client: ClientOptions

  @Argument(help: "A text that comes back.")
  var message = ""

  func run() throws {
    try client.run { [self] host in
      let request = Snakepit_Bridge_PingRequest.with { $0.message = message }
      // The first one also connects.
      _ = try await host.read(BridgeMethods.ping, request)
      let start = ContinuousClock.now
      let answer = try await host.read(BridgeMethods.ping, request)
      let elapsed = ContinuousClock.now - start
      let microseconds = elapsed.components.attoseconds / 1_000_000_000_000
      let milliseconds =
        Double(elapsed.components.seconds) * 1000 + Double(microseconds) / 1000
      guard client.json else {
        try StandardOutput.writeLine("\(answer.message) (\(milliseconds) ms)")
        return
      }
      try StandardOutput.writeLine(
        JSON.object([
          .init(key: "message", value: .string(answer.message)),
          .init(
            key: "server_time", value: .string(VariableListing.time(answer.serverTime))),
          .init(key: "milliseconds", value: .number(milliseconds)),
        ]).text)
    }
  }
}
