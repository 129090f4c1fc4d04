import NIOCore
import Testing
import Threads

@testable import GRPC

/// What all connections may hold together.
@Suite struct HostBudgetTests {
  private static let mebibyte = 1024 * 1024

  private var limits: ServerLimits {
    var limits = ServerLimits()
    limits.totalAnswerBytes = Self.mebibyte
    limits.totalRequestBytes = 8 * Self.mebibyte
    return limits
  }

  /// Keeps its call, and does not answer.
  private final class Silent: ServerCallHandler {
    let call: ServerCall
    init(_ call: ServerCall) { self.call = call }
    func receive(_ request: [UInt8]) {}
  }

  private let methods: [RPCMethod] = [
    .unary("/t/Large") { _, _ throws(RPCError) in [UInt8](repeating: 1, count: 400 * 1024) },
    .oneRequest("/t/LargeLater") { call in Answering(call) },
    .oneRequest("/t/Keep") { Silent($0) },
  ]

  private final class Answering: ServerCallHandler {
    let call: ServerCall
    init(_ call: ServerCall) { self.call = call }
    func receive(_ request: [UInt8]) { call.respond([UInt8](repeating: 1, count: 400 * 1024)) }
  }

  private func call(_ path: String, _ stream: UInt32, _ size: Int = 1, isLast: Bool = true)
    -> [UInt8]
  {
    TestConnection.headers(path, stream: stream)
      + TestConnection.data(
        [ReceivedMessage(bytes: [UInt8](repeating: 7, count: size), isCompressed: false)],
        stream: stream, isLast: isLast)
  }

  /// The streams on which an answer has begun.
  private func begun(_ connection: TestConnection) -> Set<UInt32> {
    Set(connection.frames().filter { $0.type == 1 }.map(\.stream))
  }

  @Test(arguments: ["/t/Large", "/t/LargeLater"])
  func clientsThatDoNotReadBeginNothingBeyondTheTotal(path: String) {
    let limits = self.limits
    let budget = HostBudget(limits)
    let connections = (0..<3).map { _ in
      TestConnection(methods, limits: limits, budget: budget)
    }
    // Each client's window holds 64 KiB: the rest waits.
    for connection in connections { connection.write(call(path, 1)) }
    #expect(budget.answerBytes > limits.totalAnswerBytes - 100 * 1024)
    connections[0].write(call(path, 3))
    let held = budget.answerBytes
    connections[0].write(call(path, 5) + call(path, 7))
    #expect(budget.answerBytes == held)
    #expect(!begun(connections[0]).contains(7))
    // A client without a backlog is served.
    let other = TestConnection(methods, limits: limits, budget: budget)
    other.write(call(path, 1))
    #expect(begun(other) == [1])
    // What clients held is free when they are gone, and then the others go on.
    for connection in connections[1...] + [other] { connection.close() }
    #expect(budget.answerBytes < limits.totalAnswerBytes)
    connections[0].write(TestConnection.frame(8, stream: 0, [0, 0x10, 0, 0]))
    connections[0].write(TestConnection.frame(8, stream: 1, [0, 0x10, 0, 0]))
    #expect(begun(connections[0]).contains(7))
    connections[0].close()
    #expect(budget.answerBytes == 0)
  }

  @Test func requestsOfRunningHandlersCount() {
    let limits = self.limits
    let budget = HostBudget(limits)
    let connection = TestConnection(methods, limits: limits, budget: budget)
    // More than four begin after a while.
    for stream in stride(from: 1, to: 16, by: 2) as StrideTo<UInt32> {
      connection.write(call("/t/Keep", stream, Self.mebibyte - 10))
      connection.loop.advanceTime(by: .seconds(1))
    }
    #expect((6...7).contains(budget.requestBytes / (Self.mebibyte - 10)))
    #expect(connection.hasEnded(15) && !connection.hasEnded(1))
    // The last eighth is for those that hold little.
    let other = TestConnection(methods, limits: limits, budget: budget)
    other.write(call("/t/Keep", 1, 500 * 1024))
    #expect(!other.hasEnded(1))
    // A call that is cancelled counts for as long as its handler has it, here not at all.
    let before = budget.requestBytes
    connection.write(TestConnection.frame(3, stream: 1, [0, 0, 0, 8]))
    #expect(budget.requestBytes < before)
    connection.close()
    other.close()
    #expect(budget.requestBytes == 0)
  }

  @Test func unfinishedRequestsCount() {
    let limits = self.limits
    let budget = HostBudget(limits)
    let connections = (0..<4).map { _ in
      TestConnection(methods, limits: limits, budget: budget)
    }
    for connection in connections {
      for stream in [1, 3, 5] as [UInt32] {
        // All but the end.
        connection.write(call("/t/Keep", stream, Self.mebibyte - 1000, isLast: false))
      }
    }
    // The first two have all they sent, the others what they may have of the last eighth.
    let ended = connections.map { connection in [1, 3, 5].filter { connection.hasEnded($0) } }
    #expect(ended == [[], [], [3, 5], [3, 5]])
    #expect(budget.requestBytes > 7 * Self.mebibyte)
    #expect(budget.requestBytes <= 8 * Self.mebibyte)
    for connection in connections { connection.close() }
    #expect(budget.requestBytes == 0)
  }

  /// Where the last eighth is gone as well, those go first that hold more than a little of it.
  @Test func manyThatHoldLittleDoNotTakeAll() {
    let limits = self.limits
    let budget = HostBudget(limits)
    let connections = (0..<10).map { _ in
      TestConnection(methods, limits: limits, budget: budget)
    }
    for connection in connections {
      connection.write(call("/t/Keep", 1, Self.mebibyte - 1000, isLast: false).dropLast(1) + [])
    }
    #expect(connections.map { $0.hasEnded(1) } == (0..<10).map { $0 > 7 })
    #expect(budget.requestBytes <= limits.totalRequestBytes)
    // There is room for short ones.
    let other = TestConnection(methods, limits: limits, budget: budget)
    other.write(call("/t/Keep", 1))
    #expect(!other.hasEnded(1))
  }

  @Test func littleIsNotHeldUp() {
    let limits = self.limits
    let budget = HostBudget(limits)
    budget.addAnswers(limits.totalAnswerBytes)
    #expect(!budget.holdsUpAnswers(own: HostBudget.littleAnswers - 1))
    #expect(budget.holdsUpAnswers(own: HostBudget.littleAnswers))
    budget.addAnswers(-1)
    #expect(!budget.holdsUpAnswers(own: HostBudget.littleAnswers))
    budget.addRequests(7 * Self.mebibyte)
    #expect(budget.mayHold(Self.mebibyte, own: 0))
    #expect(!budget.mayHold(Self.mebibyte, own: 1))
    #expect(!budget.mayHold(Self.mebibyte + 1, own: 0))
    budget.addRequests(-1)
    #expect(budget.mayHold(1, own: Self.mebibyte))
    #expect(!budget.mayHold(2, own: Self.mebibyte))
  }
}
