import NIOCore
import Testing

@testable import BridgeElixir

@Suite struct HeartbeatConfigurationTests {
  @Test func allOfIt() throws {
    let read = try #require(
      HeartbeatConfiguration(
        json: #"{"enabled":false,"dependent":false,"interval_ms":50,"timeout_ms":7,"#
          + #""initial_delay_ms":3,"max_missed_heartbeats":9}"#))
    var expected = HeartbeatConfiguration()
    expected.isEnabled = false
    expected.isDependent = false
    expected.interval = .milliseconds(50)
    expected.timeout = .milliseconds(7)
    expected.initialDelay = .milliseconds(3)
    expected.maxMissed = 9
    #expect(read == expected)
  }

  @Test(arguments: [
    "{}", #"{"enabled":1,"interval_ms":"x","timeout_ms":null,"max_missed_heartbeats":1.5}"#,
    #"{"interval_ms":-1,"later":true}"#,
  ])
  func whatIsMissingOrOddStaysAsUsual(json: String) {
    #expect(HeartbeatConfiguration(json: json) == HeartbeatConfiguration())
  }

  @Test func flagsMayBeTexts() {
    #expect(HeartbeatConfiguration(json: #"{"enabled":"off"}"#)?.isEnabled == false)
    #expect(HeartbeatConfiguration(json: #"{"enabled":"Yes"}"#)?.isEnabled == true)
  }

  /// Without a pause the loop would never end.
  @Test func thereIsAlwaysAPauseAndAMiss() {
    let read = HeartbeatConfiguration(json: #"{"interval_ms":0,"max_missed_heartbeats":0}"#)
    #expect(read?.interval == .milliseconds(10))
    #expect(read?.maxMissed == 1)
  }

  @Test(arguments: ["", "[]", "1", "{"])
  func whatIsNoObject(json: String) { #expect(HeartbeatConfiguration(json: json) == nil) }
}
