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

  @Test mutating func nothingCancelsACommit() {
    _ = life.begin()
    let commit = life.beginCommit()
    #expect(commit == .commit)
    let isNews = life.cancel(.cancelled)
    #expect(!isNews && life.cancellation == nil)
    let others = [life.finish(), life.beginCommit() == .commit, life.emit() != .finished]
    #expect(others == [false, false, false])
    let ends = [life.finish(afterCommit: true), life.finish(afterCommit: true)]
    #expect(ends == [true, false])
  }

  @Test mutating func whatIsCancelledIsNotCommitted() {
    _ = life.begin()
    _ = life.cancel(.deadlineExceeded)
    let commit = life.beginCommit()
    #expect(commit == .end(.deadlineExceeded))
    _ = life.finish()
    let later = life.beginCommit()
    #expect(later == .nothing)
  }
}
