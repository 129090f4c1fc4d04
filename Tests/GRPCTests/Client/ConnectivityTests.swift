import Testing

@testable import GRPC

/// How a client comes by its connection, and whether one takes calls; without sockets or timers.
@Suite struct ConnectivityTests {
  private final class Connection {}

  private let error = RPCError(.unavailable, "gone")

  /// A client that has a connection.
  private func ready() -> (Connectivity<Connection>, Connection) {
    var connectivity = Connectivity<Connection>()
    let connection = Connection()
    #expect(connectivity.callsWait() == true)
    #expect(connectivity.connected(connection) == true)
    #expect(connectivity.ready(connection) == true)
    return (connectivity, connection)
  }

  private func isIdle(_ connectivity: Connectivity<Connection>) -> Bool {
    if case .idle = connectivity.phase { true } else { false }
  }

  @Test func oneConnectionIsMadeAtATime() {
    var connectivity = Connectivity<Connection>()
    #expect(connectivity.callsWait() == true)
    #expect(connectivity.callsWait() == false)
    let first = Connection()
    let second = Connection()
    #expect(connectivity.connected(first) == true)
    #expect(connectivity.connected(second) == false)
    // Addresses of a host race: the one whose HTTP/2 begins first is it.
    #expect(connectivity.ready(second) == true)
    #expect(connectivity.ready(first) == false)
    #expect(connectivity.callsWait() == false)
  }

  @Test func aFailedAttemptIsFollowedByAPause() {
    var connectivity = Connectivity<Connection>()
    for failures in 1...3 {
      #expect(connectivity.callsWait() == true)
      #expect(connectivity.connectingFailed(error) == true)
      #expect(connectivity.connectingFailed(error) == false)
      #expect(connectivity.failures == failures)
      #expect(connectivity.callsWait() == false)
      connectivity.backoffEnded()
    }
    #expect(connectivity.callsWait() == true)
    #expect(connectivity.ready(Connection()) == true)
    #expect(connectivity.failures == 0)
  }

  @Test func aConnectionThatServedIsReplacedAtOnce() {
    var (connectivity, connection) = ready()
    #expect(connectivity.lost(Connection(), error, hasFailedCalls: false) == .nothing)
    #expect(connectivity.lost(connection, error, hasFailedCalls: false) == .idle)
    #expect(connectivity.lost(connection, error, hasFailedCalls: false) == .nothing)
    #expect(connectivity.callsWait() == true)
  }

  @Test func uselessConnectionsAreFollowedByGrowingPauses() {
    var (connectivity, connection) = ready()
    #expect(connectivity.lost(connection, error, hasFailedCalls: true) == .idle)
    for failures in 1...3 {
      #expect(connectivity.callsWait() == true)
      #expect(connectivity.ready(connection) == true)
      #expect(connectivity.lost(connection, error, hasFailedCalls: true) == .backoff)
      #expect(connectivity.failures == failures)
      connectivity.backoffEnded()
    }
    #expect(connectivity.callsWait() == true)
    #expect(connectivity.ready(connection) == true)
    #expect(connectivity.lost(connection, error, hasFailedCalls: false) == .idle)
    #expect(connectivity.failures == 0)
  }

  @Test func anIdleClientClosesItsConnection() {
    var (connectivity, connection) = ready()
    #expect(connectivity.idled() === connection)
    #expect(connectivity.idled() == nil)
    #expect(isIdle(connectivity))
  }

  // MARK: One connection

  @Test func callsBeginOnceSettingsAreThere() {
    var state = ClientConnectionState()
    #expect(!state.hasFreeStream(limit: 10))
    #expect(!state.wasReady)
    #expect(state.receivedSettings() == .ready)
    #expect(state.receivedSettings() == .changed)
    #expect(state.hasFreeStream(limit: 1))
    state.streamBegan()
    #expect(!state.hasFreeStream(limit: 1))
    #expect(state.hasFreeStream(limit: 2))
    #expect(state.streamEnded() == false)
    #expect(state.hasFreeStream(limit: 1))
  }

  @Test func aRetiredConnectionEndsWithItsLastStream() {
    var state = ClientConnectionState()
    _ = state.receivedSettings()
    state.streamBegan()
    state.streamBegan()
    #expect(state.retire() == true)
    #expect(state.retire() == false)
    #expect(!state.hasFreeStream(limit: 10))
    #expect(state.receivedSettings() == .nothing)
    #expect(state.streamEnded() == false)
    #expect(state.streamEnded() == true)
    #expect(state.wasReady)
  }

  @Test func aConnectionIsUselessUntilItHasAnswered() {
    var state = ClientConnectionState()
    _ = state.receivedSettings()
    #expect(!state.hasFailedCalls)
    state.streamBegan()
    #expect(state.hasFailedCalls)
    state.responseBegan()
    #expect(!state.hasFailedCalls)
    state.close()
    #expect(state.isRetired)
  }

  @Test func nothingBeginsOnARetiredConnection() async {
    await #expect(processExitsWith: .failure) {
      var state = ClientConnectionState()
      _ = state.receivedSettings()
      _ = state.retire()
      state.streamBegan()
    }
  }
}
