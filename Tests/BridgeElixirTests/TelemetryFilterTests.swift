import Testing

@testable import BridgeElixir

@Suite struct TelemetryFilterTests {
  private func admits(_ filter: TelemetryFilter, _ name: String, random: Double = 0.5) -> Bool {
    filter.admits(name) { random }
  }

  @Test func everythingIsWantedAtFirst() {
    #expect(admits(TelemetryFilter(), "tool.execution.start", random: 0.999))
  }

  @Test func toggling() {
    var filter = TelemetryFilter()
    filter.toggle(false)
    #expect(!admits(filter, "a.b"))
    #expect(!filter.isEnabled)
    filter.toggle(true)
    #expect(admits(filter, "a.b"))
  }

  @Test func aPartOfAll() {
    var filter = TelemetryFilter()
    let taken1 = filter.sample(0.25, of: [])
    #expect(taken1)
    #expect(admits(filter, "a.b", random: 0.24))
    #expect(!admits(filter, "a.b", random: 0.25))
    let taken2 = filter.sample(0, of: [])
    #expect(taken2)
    #expect(!admits(filter, "a.b", random: 0))
    let taken3 = filter.sample(1, of: [])
    #expect(taken3)
    #expect(admits(filter, "a.b", random: 0.999))
  }

  @Test func aPartOfSome() {
    var filter = TelemetryFilter()
    let taken4 = filter.sample(0, of: ["python.call.*", "x"])
    #expect(taken4)
    #expect(!admits(filter, "python.call.start"))
    #expect(!admits(filter, "x"))
    #expect(admits(filter, "tool.execution.start"))
    // The last one that fits counts.
    let taken5 = filter.sample(1, of: ["python.call.stop"])
    #expect(taken5)
    #expect(admits(filter, "python.call.stop"))
    #expect(!admits(filter, "python.call.start"))
    // One for all ends those for some.
    let taken6 = filter.sample(1, of: [])
    #expect(taken6)
    #expect(admits(filter, "python.call.start"))
  }

  @Test func ratesThatAreNone() {
    var filter = TelemetryFilter()
    for (rate, isAdmitted) in [(-1, false), (7, true), (.nan, false), (.infinity, true)] {
      let taken7 = filter.sample(rate, of: [])
      #expect(taken7)
      #expect(admits(filter, "a", random: 0.5) == isAdmitted)
    }
  }

  @Test func allowingAndDenying() {
    var filter = TelemetryFilter()
    let taken8 = filter.filter(allow: ["tool.*"], deny: ["*.stop"])
    #expect(taken8)
    #expect(admits(filter, "tool.execution.start"))
    #expect(!admits(filter, "tool.execution.stop"))
    #expect(!admits(filter, "python.call.start"))
    let taken9 = filter.filter(allow: [], deny: ["tool.*"])
    #expect(taken9)
    #expect(!admits(filter, "tool.execution.start"))
    #expect(admits(filter, "python.call.start"))
    let taken10 = filter.filter(allow: [], deny: [])
    #expect(taken10)
    #expect(admits(filter, "tool.execution.start"))
  }

  @Test func thereIsNoMoreThanTheLimit() {
    var filter = TelemetryFilter()
    let many = (0...TelemetryFilter.limit).map { "p\($0)" }
    let taken11 = filter.filter(allow: many, deny: [])
    #expect(!taken11)
    let taken12 = filter.filter(allow: [], deny: many)
    #expect(!taken12)
    let taken13 = filter.sample(0, of: many)
    #expect(!taken13)
    for pattern in many.dropLast() {
      let isTaken = filter.sample(0, of: [pattern])
      #expect(isTaken)
    }
    let taken14 = filter.sample(0, of: ["one more"])
    #expect(!taken14)
    // The same patterns take no more room.
    let taken15 = filter.sample(0.5, of: ["p0"])
    #expect(taken15)
  }
}
