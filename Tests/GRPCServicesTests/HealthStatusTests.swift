import GRPCServices
import Testing

struct HealthStatusTests {
  @Test func aServiceHasTheStatusThatWasSet() {
    let health = HealthStatus()
    #expect(health.status(of: "") == nil)
    health.set(.serving)
    health.set(.notServing, for: "s")
    #expect(health.status(of: "") == .serving)
    #expect(health.status(of: "s") == .notServing)
    #expect(health.all == ["": .serving, "s": .notServing])
    health.remove("s")
    #expect(health.status(of: "s") == nil)
  }

  @Test func nothingServesAfterADrain() {
    let health = HealthStatus()
    health.set(.serving)
    health.set(.serving, for: "s")
    health.drain()
    #expect(health.all == ["": .notServing, "s": .notServing])
    health.set(.serving)
    health.set(.serving, for: "late")
    #expect(health.all == ["": .notServing, "s": .notServing, "late": .notServing])
    #expect(health.status(of: "unknown") == nil)
  }
}
