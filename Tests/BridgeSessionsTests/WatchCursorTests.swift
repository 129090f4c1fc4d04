import Testing

@testable import BridgeSessions

@Suite struct WatchCursorTests {
  private func expectWake(
    _ expected: Bool, _ wakes: Bool, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(wakes == expected, sourceLocation: sourceLocation)
  }

  @Test func aWatchBeginsWhereTheLogEndsOrBefore() {
    #expect(WatchCursor(at: 5, logEnd: 5).state == .upToDate)
    #expect(WatchCursor(at: 3, logEnd: 5).state == .pending(3))
  }

  @Test func theFirstChangeWakesAndTheNextDoNot() {
    var cursor = WatchCursor(at: 5, logEnd: 5)
    expectWake(true, cursor.committed(at: 7))
    expectWake(false, cursor.committed(at: 8))
    #expect(cursor.position(logEnd: 9) == 7)
    cursor.advance(to: 8)
    #expect(cursor.position(logEnd: 9) == 8)
    expectWake(false, cursor.committed(at: 9))
    cursor.caughtUp()
    expectWake(true, cursor.committed(at: 10))
  }

  @Test func whoIsUpToDatePassesWhatIsNotReported() {
    let cursor = WatchCursor(at: 5, logEnd: 5)
    #expect(cursor.position(logEnd: 100) == 100)
  }

  @Test func aWatchThatWasCancelledStaysSo() {
    for began in [3, 5] {
      var cursor = WatchCursor(at: began, logEnd: 5)
      var wasOpen = cursor.cancel()
      #expect(wasOpen)
      wasOpen = cursor.cancel()
      #expect(!wasOpen)
      expectWake(false, cursor.committed(at: 6))
      #expect(cursor.position(logEnd: 9) == 9, "there is nothing to take")
      cursor.advance(to: 7)
      cursor.caughtUp()
      #expect(cursor.state == .cancelled)
    }
  }
}
