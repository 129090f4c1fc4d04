import BridgeSessions
import BridgeTools
import Testing

@testable import BridgePluginProcess

/// Values that go through memory which host and process lend each other.
extension TestPluginSuites {
  @Suite(.timeLimit(.minutes(2))) struct LargeValueTests {
    private let host = TestHost()
    private let fixture: Fixture
    private let session: Session

    init() throws {
      fixture = try Fixture("large.c", as: "large")
      session = try Plugins.makeSession()
      var configuration = ChildPlugin.Configuration()
      configuration.calls = 6
      let plugin = try ChildPlugin.load(
        fixture.path, configuration, by: Plugins.runner, logger: host.tools.logger)
      try host.tools.registry.register(plugin)
    }

    private func begin(_ data: [UInt8]) throws -> Recorder {
      let recorder = Recorder()
      _ = try host.tools.start(
        try host.tools.registry.admit("invert"),
        ToolCall.Request(arguments: Arguments(checked: [(name: "data", value: .bytes(data))])),
        in: session, onEventLoop: false, observer: recorder)
      return recorder
    }

    /// Of all sizes around those from which on memory is lent, several at once, some kept.
    @Test func allArriveAsTheyWere() throws {
      let sizes = [10, 65_535, 65_536, 200_000, 1 << 20, 3_000_000, 70_000]
      var kept: [(ToolValue, [UInt8])] = []
      for round in 0..<8 {
        let data = sizes.enumerated().map { index, size in
          [UInt8](repeating: UInt8(round * 16 + index), count: size + round)
        }
        let calls = try data.map(begin)
        for (call, data) in zip(calls, data) {
          let value = try call.wait().result.get()
          #expect(value.owned == .bytes(data.map(~)), "\(data.count) bytes")
          if data.count > 1 << 20 { kept.append((value, data)) }
        }
      }
      for (value, data) in kept { #expect(value.owned == .bytes(data.map(~))) }
    }
  }
}
