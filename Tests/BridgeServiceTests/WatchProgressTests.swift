import BridgeSessions
import Testing

@testable import BridgeService

/// What a watch sends next, without a connection.
@Suite struct WatchProgressTests {
  private func variables(_ count: Int) throws -> [Variable] {
    let session = try SessionStore().create("s")
    return try (0..<count).map {
      try session.register(
        name: "v\($0)", type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
    }
  }

  private func text(_ step: WatchProgress.Step) -> String {
    switch step {
    case .initialValue(let variable, let revision): "\(variable.name)@\(revision)"
    case .synced(let revision): "synced@\(revision)"
    case .takeChanges: "take"
    case .heartbeat(let revision): "heartbeat@\(revision)"
    case .sessionClosed(let cause, let revision): "closed \(cause)@\(revision)"
    case .fellBehind(let last, let oldest): "behind \(last) \(oldest)"
    case .wait: "wait"
    }
  }

  /// The next steps, until one has to be answered.
  private func steps(_ progress: inout WatchProgress) -> [String] {
    var steps: [String] = []
    while true {
      steps.append(text(progress.next()))
      if steps.last == "take" || steps.last == "wait" { return steps }
    }
  }

  @Test func presentValuesThenChanges() throws {
    var progress = WatchProgress(initialValues: try variables(2), at: 7, saysSynced: true)
    #expect(steps(&progress) == ["v0@7", "v1@7", "synced@7", "take"])
    progress.took(.more)
    #expect(steps(&progress) == ["take"])
    progress.took(.upToDate(revision: 9))
    #expect(progress.sentRevision == 9)
    #expect(steps(&progress) == ["wait"])
    #expect(steps(&progress) == ["take"])
  }

  @Test func presentValuesMayBeLost() throws {
    var progress = WatchProgress(initialValues: try variables(2), at: 7, saysSynced: true)
    #expect(text(progress.next()) == "v0@7")
    progress.initialValuesLost(oldest: 12)
    guard case .fellBehind(last: 0, oldest: 12) = progress.next() else {
      Issue.record("the watch goes on")
      return
    }
    // What was sent is not lost.
    var sent = WatchProgress(initialValues: [], at: 3, saysSynced: true)
    #expect(steps(&sent) == ["synced@3", "take"])
    sent.initialValuesLost(oldest: 12)
    #expect(steps(&sent) == ["take"])
  }

  @Test func noValuesAreSyncedToo() {
    var progress = WatchProgress(initialValues: [], at: 3, saysSynced: true)
    #expect(steps(&progress) == ["synced@3", "take"])
  }

  @Test func syncedIsSaidToThoseWhoAskForIt() throws {
    var progress = WatchProgress(initialValues: try variables(1), at: 4, saysSynced: false)
    #expect(steps(&progress) == ["v0@4", "take"])
  }

  @Test func whoResumesIsSyncedWhenCaughtUp() {
    var progress = WatchProgress(after: 4, saysSynced: true)
    #expect(steps(&progress) == ["take"])
    progress.took(.more)
    progress.heartbeatDue()
    #expect(steps(&progress) == ["take"])
    progress.took(.upToDate(revision: 9))
    #expect(steps(&progress) == ["synced@9", "heartbeat@9", "wait"])
  }

  @Test func aHeartbeatWaitsForAllChanges() throws {
    var progress = WatchProgress(initialValues: try variables(1), at: 4, saysSynced: true)
    progress.heartbeatDue()
    #expect(steps(&progress) == ["v0@4", "synced@4", "take"])
    progress.took(.more)
    #expect(steps(&progress) == ["take"])
    progress.took(.upToDate(revision: 6))
    #expect(steps(&progress) == ["heartbeat@6", "wait"])
    // One is enough.
    #expect(steps(&progress) == ["take"])
    progress.took(.upToDate(revision: 6))
    #expect(steps(&progress) == ["wait"])
  }

  @Test func theEndOfTheSessionIsTheLastThingSaid() {
    var progress = WatchProgress(after: 2)
    #expect(steps(&progress) == ["take"])
    progress.took(.ended(cause: .expired, revision: 8))
    progress.heartbeatDue()
    #expect(steps(&progress) == ["closed expired@8", "wait"])
    #expect(steps(&progress) == ["wait"])
  }

  @Test func whoFellBehindIsToldWhatWasSentLast() {
    var progress = WatchProgress(after: 2)
    #expect(steps(&progress) == ["take"])
    progress.sent(5)
    progress.took(.more)
    #expect(steps(&progress) == ["take"])
    progress.took(.fellBehind(oldestRevision: 40))
    #expect(steps(&progress) == ["behind 5 40", "wait"])
  }
}
