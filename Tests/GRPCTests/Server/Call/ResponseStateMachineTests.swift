import Testing

@testable import GRPC

@Suite struct ResponseStateMachineTests {
  private typealias Machine = ResponseStateMachine

  private func started() -> ResponseStateMachine {
    var machine = Machine()
    _ = machine.start()
    return machine
  }

  private var trailers: HeaderFields {
    var fields = HeaderFields()
    fields.add("grpc-status", "7")
    return fields
  }

  @Test func headersGoOutOnce() {
    var machine = Machine()
    let first = machine.start()
    let second = machine.start()
    #expect(first && !second)
    #expect(machine.state == .responding && !machine.isFinished)
  }

  @Test func messagesThenTrailers() {
    var machine = started()
    var data = machine.nextData(ready: 10, buffered: 10, limit: 4)
    #expect(data == .bytes(4, isLast: false))
    data = machine.nextData(ready: 6, buffered: 6, limit: 100)
    #expect(data == .bytes(6, isLast: false), "more may follow")
    data = machine.nextData(ready: 0, buffered: 0, limit: 100)
    #expect(data == .deferred)
    machine.finish(trailers: trailers)
    #expect(machine.isFinished && machine.state == .finishing)
    let tellsOfData = machine.resume()
    #expect(tellsOfData)
    data = machine.nextData(ready: 0, buffered: 0, limit: 100)
    #expect(data == .bytes(0, isLast: true))
    #expect(machine.takeTrailers()?.entries.map(\.value) == ["7"])
    #expect(machine.state == .ended)
  }

  @Test func theLastFrameHasTheRest() {
    var machine = started()
    machine.finish(trailers: nil)
    var data = machine.nextData(ready: 10, buffered: 10, limit: 9)
    #expect(data == .bytes(9, isLast: false))
    data = machine.nextData(ready: 1, buffered: 1, limit: 9)
    #expect(data == .bytes(1, isLast: true))
    #expect(machine.takeTrailers() == nil)
  }

  @Test func theEndWaitsForWhatIsCompressed() {
    var machine = started()
    machine.finish(trailers: nil)
    let data = machine.nextData(ready: 0, buffered: 50, limit: 9)
    #expect(data == .deferred)
    #expect(machine.isDeferred)
  }

  @Test func resumingTellsOnce() {
    var machine = started()
    var tells = machine.resume()
    #expect(!tells, "nobody waits")
    _ = machine.nextData(ready: 0, buffered: 0, limit: 9)
    tells = machine.resume()
    #expect(tells)
    tells = machine.resume()
    #expect(!tells)
  }

  @Test func anErrorTakesTheFormThatIsLeft() {
    var machine = Machine()
    #expect(machine.errorForm == .headersOnly)
    _ = machine.start()
    #expect(machine.errorForm == .trailers)
    machine.finish(trailers: nil)
    #expect(machine.errorForm == .none)
    machine = Machine()
    machine.endWithHeaders()
    #expect(machine.errorForm == .none && machine.isFinished)
    let starts = machine.start()
    #expect(!starts, "what a handler says after the end has no effect")
  }

  @Test func aSourceIsAskedForWhatFits() {
    var machine = Machine()
    #expect(!machine.wantsMessages(buffered: 0, limit: 9))
    _ = machine.start()
    #expect(machine.wantsMessages(buffered: 8, limit: 9))
    #expect(!machine.wantsMessages(buffered: 9, limit: 9))
    machine.finish(trailers: nil)
    #expect(!machine.wantsMessages(buffered: 0, limit: 9))
  }

  @Test func aStreamThatIsGoneIsOver() {
    var machine = started()
    _ = machine.nextData(ready: 0, buffered: 0, limit: 9)
    machine.streamClosed()
    #expect(machine.state == .ended)
    let tells = machine.resume()
    #expect(!tells)
    #expect(machine.errorForm == .none)
  }

  // MARK: Mistakes of this module

  @Test func aCallIsFinishedOnce() async {
    await #expect(processExitsWith: .failure) {
      var machine = ResponseStateMachine()
      _ = machine.start()
      machine.finish(trailers: nil)
      machine.finish(trailers: nil)
    }
  }

  @Test func headersComeFirst() async {
    await #expect(processExitsWith: .failure) {
      var machine = ResponseStateMachine()
      _ = machine.nextData(ready: 1, buffered: 1, limit: 1)
    }
  }

  @Test func trailersGoOutOnce() async {
    await #expect(processExitsWith: .failure) {
      var machine = ResponseStateMachine()
      _ = machine.start()
      machine.finish(trailers: nil)
      _ = machine.takeTrailers()
      _ = machine.takeTrailers()
    }
  }

  @Test func headersAloneAreTheOnlyHeaders() async {
    await #expect(processExitsWith: .failure) {
      var machine = ResponseStateMachine()
      _ = machine.start()
      machine.endWithHeaders()
    }
  }
}
