import Testing

@testable import BridgeElixir

@Suite struct ElixirHeartbeatsTests {
  @Test func fewSessionsAreTakenAllAtOnce() {
    var turn = 0
    let ids = (0..<ElixirHeartbeats.roundLimit).map { "s\($0)" }
    for _ in 0..<3 { #expect(ElixirHeartbeats.round(&turn, of: ids) == ids) }
    #expect(ElixirHeartbeats.round(&turn, of: []).isEmpty)
  }

  @Test func manySessionsTakeTurns() {
    var turn = 0
    var ids = (0..<250).map { "s\($0)" }
    var seen: [String] = []
    for count in [100, 100, 50] {
      let round = ElixirHeartbeats.round(&turn, of: ids.shuffled())
      #expect(round.count == count)
      seen += round
    }
    #expect(Set(seen) == Set(ids) && seen.count == 250)
    // Some have ended since.
    _ = ElixirHeartbeats.round(&turn, of: ids)
    ids.removeLast(140)
    #expect(!ElixirHeartbeats.round(&turn, of: ids).isEmpty)
  }
}
