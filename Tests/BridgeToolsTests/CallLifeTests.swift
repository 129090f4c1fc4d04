import Testing

@testable import BridgeTools

@Suite struct CallLifeTests {
  private var life = CallLife()

  @Test mutating func aCallRunsAndEndsOnce() {
    let begin = life.begin()
    #expect(begin == .run)
    let ends = [life.finish(), life.finish()]
    #expect(ends == [true, false])
    let isNews = life.cancel(.cancelled)
    #expect(!isNews)
    let emission = life.emit()
    #expect(emission == .finished)
  }

  @Test mutating func aCallThatIsCancelledBeforeItBeginsDoesNotRun() {
    // The first reason counts.
    let news = [life.cancel(.deadlineExceeded), life.cancel(.cancelled)]
    #expect(news == [true, false])
    let begin = life.begin()
    #expect(begin == .end(.deadlineExceeded))
  }

  @Test mutating func aCallThatHasEndedDoesNotBegin() {
    _ = life.finish()
    let begin = life.begin()
    #expect(begin == .nothing)
  }

  @Test mutating func aChunkTakesTheRoom() {
    _ = life.begin()
    var emissions = [life.emit(), life.emit()]
    life.roomIsAvailable()
    emissions.append(life.emit())
    _ = life.cancel(.cancelled)
    emissions.append(life.emit())
    #expect(emissions == [.taken, .full, .taken, .cancelled(.cancelled)])
  }
}
