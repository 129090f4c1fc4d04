import Testing

@testable import GRPC

@Suite struct RequestStateMachineTests {
  private typealias Machine = RequestStateMachine

  private func framed(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    [flag, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 255)] + message
  }

  /// Reads all messages that are complete.
  private func read(_ bytes: [UInt8], _ machine: inout RequestStateMachine) throws -> [[UInt8]] {
    var messages: [[UInt8]] = []
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes
      while let message = try machine.next(&rest) { messages.append(message.bytes) }
    }
    return messages
  }

  private func code(_ body: () throws -> Void) -> StatusCode? {
    do {
      try body()
      return nil
    } catch {
      return (error as? RPCError)?.code
    }
  }

  // MARK: Messages

  @Test func messagesComeAsTheirBytesDo() throws {
    var machine = Machine(messageLimit: 100)
    #expect(machine.arrival(mustWait: false) == .read)
    #expect(try read(framed([1, 2]) + [0, 0], &machine) == [[1, 2]])
    #expect(machine.heldBytes == 0)
    #expect(try read([0, 0, 3, 7], &machine) == [])
    #expect(machine.heldBytes == 1)
    #expect(try read([8, 9], &machine) == [[7, 8, 9]])
    machine.end()
    #expect(machine.canDeliverEnd)
    try machine.deliverEnd()
    #expect(machine.reading == .delivered)
  }

  @Test func aMessageOverTheLimitIsThePeersFault() {
    var machine = Machine(messageLimit: 4)
    machine.messageLimit = 3
    #expect(code { _ = try read(framed([1, 2, 3, 4]), &machine) } == .resourceExhausted)
  }

  @Test func aCompressedMessageNeedsAnEncoding() throws {
    var machine = Machine(messageLimit: 100)
    #expect(code { _ = try read(framed([1], flag: 1), &machine) } == .internalError)
    machine = Machine(messageLimit: 100)
    machine.allowCompressed()
    #expect(try read(framed([1], flag: 1), &machine) == [[1]])
  }

  @Test func anEndInsideAMessageIsThePeersFault() throws {
    for bytes in [[0], [0, 0, 0, 0, 2], [0, 0, 0, 0, 2, 9]] as [[UInt8]] {
      var machine = Machine(messageLimit: 100)
      _ = try read(bytes, &machine)
      machine.end()
      #expect(code { try machine.deliverEnd() } == .internalError)
    }
  }

  @Test func oneRequestIsOne() throws {
    var machine = Machine(messageLimit: 100)
    try machine.keepOnlyRequest([1, 2, 3], of: "/t/One")
    #expect(machine.heldBytes == 3)
    #expect(code { try machine.keepOnlyRequest([2], of: "/t/One") } == .unimplemented)
    machine.end()
    try machine.deliverEnd()
    #expect(try machine.takeOnlyRequest(of: "/t/One") == [1, 2, 3])
    #expect(machine.heldBytes == 0)
    #expect(code { _ = try machine.takeOnlyRequest(of: "/t/One") } == .unimplemented)
  }

  // MARK: Inflating

  @Test func whatFollowsACompressedMessageWaits() throws {
    var machine = Machine(messageLimit: 100)
    machine.beginInflating([1, 2, 3, 4])
    #expect(machine.arrival(mustWait: false) == .hold)
    machine.hold([5, 6])
    #expect(machine.heldBytes == 6)
    machine.end()
    #expect(!machine.canDeliverEnd)
    let waits = machine.beginWaiting(ownResponsesWait: false)
    #expect(!waits && machine.wait == .none)
    let isWanted = machine.finishInflating()
    #expect(isWanted)
    #expect(machine.compressedRequest == nil)
    #expect(machine.arrival(mustWait: false) == .hold, "held input comes first")
    #expect(machine.takeHeldInput() == [5, 6])
    #expect(machine.canDeliverEnd)
  }

  @Test func whatWasInflatedForACallThatIsOverIsNotWanted() {
    var machine = Machine(messageLimit: 100)
    machine.beginInflating([1])
    machine.discard()
    let isWanted = machine.finishInflating()
    #expect(!isWanted)
  }

  // MARK: Waiting

  @Test func inputWaitsForOwnResponses() {
    var machine = Machine(messageLimit: 100)
    #expect(machine.arrival(mustWait: true) == .hold)
    machine.hold([1])
    let isQueuedNow = machine.beginWaiting(ownResponsesWait: true)
    #expect(!isQueuedNow)
    #expect(machine.wait == .forOwnResponses)
    let again = machine.beginWaiting(ownResponsesWait: true)
    #expect(!again)
    let byHandler = machine.handlerHasRoom()
    #expect(!byHandler)
    let bySending = machine.ownResponsesSent()
    #expect(bySending)
    #expect(machine.wait == .queued)
    machine.leaveQueue()
    #expect(machine.wait == .none)
  }

  @Test func inputWaitsForItsHandler() {
    var machine = Machine(messageLimit: 100)
    machine.handlerBecameFull(unread: 40)
    #expect(machine.handlerIsFull && machine.heldBytes == 40)
    let isQueuedNow = machine.beginWaiting(ownResponsesWait: false)
    #expect(!isQueuedNow)
    #expect(machine.wait == .forHandler)
    let bySending = machine.ownResponsesSent()
    #expect(!bySending)
    let byHandler = machine.handlerHasRoom()
    #expect(byHandler)
    #expect(!machine.handlerIsFull && machine.heldBytes == 0)
    #expect(machine.wait == .queued)
  }

  @Test func inputWaitsForTheConnection() {
    var machine = Machine(messageLimit: 100)
    let isQueuedNow = machine.beginWaiting(ownResponsesWait: false)
    #expect(isQueuedNow)
    let twice = machine.beginWaiting(ownResponsesWait: false)
    #expect(!twice, "a call is in the queue once")
  }

  // MARK: The end

  @Test func aCallThatIsOverDropsWhatItHeldAndWhatComes() throws {
    var machine = Machine(messageLimit: 100)
    _ = try read([0, 0, 0, 0, 9, 1, 2], &machine)
    machine.hold([1, 2, 3])
    machine.handlerBecameFull(unread: 10)
    #expect(machine.recount() == 15)
    #expect(machine.isCounted)
    machine.discard()
    #expect(machine.arrival(mustWait: false) == .discard)
    #expect(machine.heldBytes == 0)
    #expect(machine.recount() == -15)
    #expect(!machine.isCounted)
    machine.handlerBecameFull(unread: 10)
    #expect(machine.heldBytes == 0)
    machine.end()
    #expect(machine.hasEnded && !machine.canDeliverEnd)
  }

  @Test func whatIsHeldIsCountedOnce() {
    var machine = Machine(messageLimit: 100)
    machine.hold([1, 2, 3])
    #expect(machine.recount() == 3)
    #expect(machine.recount() == 0)
    #expect(machine.takeHeldInput().count == 3)
    #expect(machine.recount() == -3)
  }

  // MARK: Mistakes of this module

  @Test func aStreamEndsOnce() async {
    await #expect(processExitsWith: .failure) {
      var machine = RequestStateMachine(messageLimit: 1)
      machine.end()
      machine.end()
    }
  }

  @Test func nothingIsReadAfterTheEnd() async {
    await #expect(processExitsWith: .failure) {
      var machine = RequestStateMachine(messageLimit: 1)
      machine.end()
      try machine.deliverEnd()
      _ = machine.arrival(mustWait: false)
    }
  }

  @Test func theEndComesAfterWhatIsHeld() async {
    await #expect(processExitsWith: .failure) {
      var machine = RequestStateMachine(messageLimit: 1)
      machine.hold([1])
      machine.end()
      try machine.deliverEnd()
    }
  }

  @Test func oneMessageIsInflatedAtATime() async {
    await #expect(processExitsWith: .failure) {
      var machine = RequestStateMachine(messageLimit: 1)
      machine.beginInflating([1])
      machine.beginInflating([1])
    }
  }
}
