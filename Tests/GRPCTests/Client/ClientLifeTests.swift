import Testing

@testable import GRPC

@Suite struct ClientLifeTests {
  /// Makes a move: `#expect` cannot make one itself.
  private func expect(
    _ expected: Bool, _ life: inout ClientLife, _ location: SourceLocation = #_sourceLocation,
    _ move: (inout ClientLife) -> Bool
  ) {
    #expect(move(&life) == expected, sourceLocation: location)
  }

  @Test func connectionsAreClosedOnceTheLastCallHasEnded() {
    var life = ClientLife()
    #expect(life.takesCalls)
    expect(false, &life) { $0.lastCallEnded() }
    expect(false, &life) { $0.lastConnectionClosed() }
    #expect(life.phase == .open)

    expect(false, &life) { $0.shutDown(hasCalls: true) }
    #expect(!life.takesCalls)
    #expect(!life.needsNoConnection)
    // A connection may be lost while its calls are tried again on another.
    expect(false, &life) { $0.lastConnectionClosed() }
    expect(true, &life) { $0.lastCallEnded() }
    #expect(life.needsNoConnection)
    expect(true, &life) { $0.lastConnectionClosed() }
    #expect(life.phase == .closed)
    #expect(life.needsNoConnection)
  }

  @Test func eachStepIsTakenOnce() {
    var life = ClientLife()
    expect(true, &life) { $0.shutDown(hasCalls: false) }
    expect(false, &life) { $0.shutDown(hasCalls: false) }
    expect(false, &life) { $0.lastCallEnded() }
    expect(true, &life) { $0.lastConnectionClosed() }
    expect(false, &life) { $0.lastConnectionClosed() }
    #expect(!life.takesCalls)
  }
}
