import Testing

@testable import GRPC

@Suite struct RefusalWindowTests {
  @Test func theFirstFewOfAWindowAreLoggedAndTheRestCounted() {
    var window = RefusalWindow()
    let start: Int64 = 100
    let logged = (0..<12).map { window.count(at: start + $0) }
    #expect(
      logged.map(\.isLogged) == Array(repeating: true, count: 5) + Array(repeating: false, count: 7)
    )
    #expect(logged.allSatisfy { $0.unsaid == 0 })
    // Just before the end of the window, and at it.
    #expect(window.count(at: start + RefusalWindow.length - 1) == (false, 0))
    #expect(window.count(at: start + RefusalWindow.length) == (true, 8))
    #expect(window.count(at: start + RefusalWindow.length) == (true, 0))
  }

  @Test func aQuietWindowLeavesNothingUnsaid() {
    var window = RefusalWindow()
    for round in 0..<5 {
      #expect(window.count(at: Int64(round) * RefusalWindow.length) == (true, 0))
    }
  }
}
