import BridgeProtocol
import Testing

@testable import BridgeCluster

@Suite struct WatchPositionTests {
  private func request(initial: Bool) -> Snakepit_Bridge_WatchVariablesRequest {
    .with {
      $0.sessionID = "s"
      $0.variableIdentifiers = ["a*"]
      $0.includeInitialValues = initial
      $0.includeSynced = initial
      $0.conflate = true
    }
  }

  private func update(
    _ type: String, _ revision: Int64, more: Bool = false
  ) -> Snakepit_Bridge_VariableUpdate {
    .with {
      $0.updateType = type
      $0.revision = revision
      $0.epoch = "e"
      $0.moreInRevision = more
    }
  }

  @Test func whatHasSaidNothingCannotGoOn() {
    #expect(WatchPosition(request(initial: false)).continuation == nil)
    #expect(WatchPosition(request(initial: true)).continuation == nil)
  }

  @Test func whatResumesGoesOnFromThere() throws {
    var first = request(initial: false)
    first.startRevision = 0
    first.epoch = "e"
    let next = try #require(WatchPosition(first).continuation)
    #expect((next.startRevision, next.epoch) == (0, "e"))
  }

  @Test func presentValuesAreNotAPlaceToGoOnFrom() {
    var position = WatchPosition(request(initial: true))
    position.note(update("initial_value", 7))
    #expect(position.continuation == nil)
    position.note(update("synced", 7))
    #expect(position.continuation?.startRevision == 7)
  }

  /// Its parts would come twice, or be missing.
  @Test func aRevisionInPartsIsNotEither() throws {
    var position = WatchPosition(request(initial: false))
    position.note(update("heartbeat", 3))
    position.note(update("value_change", 4, more: true))
    #expect(position.continuation == nil)
    position.note(update("deleted", 4))
    let next = try #require(position.continuation)
    #expect((next.startRevision, next.epoch) == (4, "e"))
    #expect(!next.includeInitialValues && !next.includeSynced)
    #expect(next.variableIdentifiers == ["a*"] && next.conflate)
  }
}
