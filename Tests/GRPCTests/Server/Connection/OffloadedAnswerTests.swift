import Testing

@testable import GRPC

/// Answers that another thread makes: one at a time of a connection, beside its other calls.
@Suite struct OffloadedAnswerTests {

  private func later(_ path: String, holding byteCount: Int = 1) -> RPCMethod {
    .unary(path) { request, call throws(RPCError) in
      throw call.offloadingAnswer(holding: byteCount) { () throws(RPCError) in
        if request == [0] { throw RPCError(.aborted, "no") }
        return request + request
      }
    }
  }

  /// Answers on the event loop once a thread has done its part.
  private final class Prepared: ServerCallHandler {
    let call: ServerCall

    init(_ call: ServerCall) { self.call = call }

    func receive(_ request: [UInt8]) throws(RPCError) {
      let call = call
      throw call.offloading(holding: 1) { () throws(RPCError) in
        if request == [0] { throw RPCError(.aborted, "no") }
        call.eventLoop.execute { call.respond(request + [8]) }
      }
    }
  }

  private func connection(holding byteCount: Int = 1) -> TestConnection {
    var limits = ServerLimits()
    limits.messageSize = 1000
    limits.requestBytes = 1000
    return TestConnection(
      [
        later("/t/Later", holding: byteCount),
        later("/t/Delivered").deliveringAnswers { answer, call in call.respond(answer + [9]) },
        .oneRequest("/t/Prepared") { Prepared($0) },
        .unary("/t/Ping") { request, _ throws(RPCError) in request },
      ], limits: limits)
  }

  private func call(_ path: String, _ stream: UInt32, _ byte: UInt8 = 7) -> [UInt8] {
    TestConnection.headers(path, stream: stream)
      + TestConnection.data(
        [ReceivedMessage(bytes: [byte], isCompressed: false)], stream: stream)
  }

  /// The streams that are answered so far, and with what.
  private func answers(_ connection: TestConnection) -> [UInt32: [UInt8]] {
    var answers: [UInt32: [UInt8]] = [:]
    for frame in connection.frames() where frame.type == 0 && !frame.payload.isEmpty {
      answers[frame.stream, default: []] += frame.payload.dropFirst(5)
    }
    return answers
  }

  @Test func otherCallsAreAnsweredMeanwhile() {
    let connection = connection()
    connection.write(call("/t/Later", 1) + call("/t/Ping", 3))
    #expect(answers(connection) == [3: [7]])
    connection.work()
    #expect(answers(connection) == [1: [7, 7], 3: [7]])
  }

  @Test func oneIsMadeAtATime() {
    let connection = connection()
    connection.write(call("/t/Later", 1, 1) + call("/t/Later", 3, 2) + call("/t/Later", 5, 3))
    #expect(connection.workWaiting == 1)
    connection.work()
    #expect(answers(connection) == [1: [1, 1]])
    #expect(connection.workWaiting == 1)
    connection.work(times: 2)
    #expect(answers(connection) == [1: [1, 1], 3: [2, 2], 5: [3, 3]])
    #expect(connection.workWaiting == 0)
  }

  @Test func errorsAreTheCallsOwn() {
    let connection = connection()
    connection.write(call("/t/Later", 1, 0))
    connection.work()
    let frames = connection.frames()
    #expect(frames.contains { $0.type == 1 && $0.stream == 1 && $0.flags & 1 == 1 })
    #expect(!frames.contains { $0.type == 0 })
  }

  @Test func answersThatAreDeliveredAreSoLater() {
    let connection = connection()
    connection.write(call("/t/Delivered", 1))
    #expect(answers(connection) == [:])
    connection.work()
    #expect(answers(connection) == [1: [7, 7, 9]])
  }

  @Test func aHandlerGoesOnAfterThePartOfAThread() {
    let connection = connection()
    connection.write(call("/t/Prepared", 1) + call("/t/Prepared", 3, 0) + call("/t/Later", 5))
    #expect(connection.workWaiting == 1)
    #expect(answers(connection) == [:])
    connection.work(times: 3)
    #expect(answers(connection) == [1: [7, 8], 5: [7, 7]])
    #expect(connection.frames().contains { $0.type == 1 && $0.stream == 3 && $0.flags & 1 == 1 })
  }

  @Test func whatWasCancelledIsNotMade() {
    let connection = connection()
    connection.write(call("/t/Later", 1, 1) + call("/t/Later", 3, 2) + call("/t/Later", 5, 3))
    connection.write(TestConnection.frame(3, stream: 3, [0, 0, 0, 8]))
    connection.work(times: 3)
    #expect(answers(connection) == [1: [1, 1], 5: [3, 3]])
  }

  @Test func aClosedConnectionHasNoneMade() {
    let connection = connection()
    connection.write(call("/t/Later", 1, 1) + call("/t/Later", 3, 2))
    connection.close()
    connection.work()
    #expect(connection.workWaiting == 0)
  }

  @Test func whatWaitsIsBounded() {
    let connection = connection(holding: 400)
    connection.write((0..<4).flatMap { call("/t/Later", 1 + 2 * $0) })
    // The third and the fourth are refused.
    let refused = connection.frames().filter { $0.type == 1 }.map(\.stream)
    #expect(refused == [5, 7])
    connection.work(times: 2)
    connection.write(call("/t/Later", 9))
    connection.work()
    #expect(answers(connection).keys.sorted() == [1, 3, 9])
  }
}
