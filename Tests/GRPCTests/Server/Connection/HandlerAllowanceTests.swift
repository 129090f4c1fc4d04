import Testing

@testable import GRPC

@Suite struct HandlerAllowanceTests {
  private static let limit = 128 * 1024 * 1024

  /// Begins as many as may.
  private func beginAll(_ allowance: inout HandlerAllowance, queued: Int = 0) -> Int {
    var count = 0
    while count < 10_000, allowance.mayBegin(queued: queued, limit: Self.limit) {
      allowance.begin()
      count += 1
    }
    return count
  }

  @Test func aFewBeginUnseen() {
    var allowance = HandlerAllowance()
    #expect(beginAll(&allowance) == HandlerAllowance.first)
  }

  @Test func smallAnswersLetManyBegin() {
    var allowance = HandlerAllowance()
    allowance.begin()
    allowance.answered(100)
    allowance.end()
    #expect(beginAll(&allowance) == 10_000)
  }

  @Test func largeAnswersLetAsManyBeginAsFit() {
    var allowance = HandlerAllowance()
    allowance.begin()
    allowance.answered(4 * 1024 * 1024)
    allowance.end()
    #expect(
      beginAll(&allowance, queued: 64 * 1024 * 1024) == 64 / (4 * HandlerAllowance.copies))
  }

  @Test func noneBeginsBeyondTheLimit() {
    var allowance = HandlerAllowance()
    #expect(beginAll(&allowance, queued: Self.limit) == 0)
  }

  /// However large its answer will be, one is served at a time.
  @Test func oneAlwaysMay() {
    var allowance = HandlerAllowance()
    allowance.begin()
    allowance.answered(Self.limit * 2)
    allowance.end()
    #expect(beginAll(&allowance) == 1)
  }

  @Test func largeAnswersAreForgotten() {
    var allowance = HandlerAllowance()
    allowance.answered(64 * 1024 * 1024)
    for _ in 0..<200 { allowance.answered(100) }
    #expect(beginAll(&allowance) > 1000)
  }

  /// Handlers may wait for others that have not begun.
  @Test func moreBeginWhenNoneEnds() {
    var allowance = HandlerAllowance()
    #expect(beginAll(&allowance) == HandlerAllowance.first)
    allowance.allowMore()
    #expect(beginAll(&allowance) == HandlerAllowance.first)
    allowance.allowMore()
    #expect(beginAll(&allowance) == 2 * HandlerAllowance.first)
  }

  /// One that makes its response waits for nobody, however long it takes.
  @Test func noneBeginsForOneThatAnswers() {
    var allowance = HandlerAllowance()
    allowance.begin()
    allowance.beginAnswer(Self.limit)
    allowance.allowMore()
    #expect(beginAll(&allowance) == 0)
    allowance.end(wasAnswering: true)
    #expect(beginAll(&allowance) == 1)
    allowance.allowMore()
    #expect(beginAll(&allowance) == 1)
  }

  /// Not many: each of them may be about to answer as much as those before.
  @Test func oneMoreBeginsWhereResponsesAreLong() {
    var allowance = HandlerAllowance()
    allowance.begin()
    allowance.answered(Self.limit)
    #expect(beginAll(&allowance) == 0)
    allowance.allowMore()
    #expect(beginAll(&allowance) == 1)
  }
}
