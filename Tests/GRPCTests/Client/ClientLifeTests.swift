import Testing

@testable import GRPC

@Suite struct ClientLifeTests {
  @Test func connectionsAreClosedOnceTheLastCallHasEnded() {
    var life = ClientLife()
    #expect(life.takesCalls)
    #expect(!life.lastCallEnded())
    #expect(!life.lastConnectionClosed())
    #expect(life.phase == .open)

    #expect(!life.shutDown(hasCalls: true))
    #expect(!life.takesCalls)
    #expect(!life.needsNoConnection)
    // A connection may be lost while its calls are tried again on another.
    #expect(!life.lastConnectionClosed())
    #expect(life.lastCallEnded())
    #expect(life.needsNoConnection)
    #expect(life.lastConnectionClosed())
    #expect(life.phase == .closed)
    #expect(life.needsNoConnection)
  }

  @Test func eachStepIsTakenOnce() {
    var life = ClientLife()
    #expect(life.shutDown(hasCalls: false))
    #expect(!life.shutDown(hasCalls: false))
    #expect(!life.lastCallEnded())
    #expect(life.lastConnectionClosed())
    #expect(!life.lastConnectionClosed())
    #expect(!life.takesCalls)
  }
}
