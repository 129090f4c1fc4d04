import NIOCore
import Testing

@testable import GRPC

/// Connections that are ended with all their calls.
@Suite struct TerminatingTests {
  /// Does not answer.
  private final class Silent: ServerCallHandler {
    func receive(_ request: [UInt8]) {}
    func requestsEnded() {}
  }

  private let silent = RPCMethod.requestStream("/t/Silent") { _ in Silent() }
  private let echo = RPCMethod.unary("/t/Echo") { request, _ throws(RPCError) in request }

  private static let settings: UInt8 = 4, goAway: UInt8 = 7
  /// SETTINGS_INITIAL_WINDOW_SIZE of 0: the client takes nothing.
  private static let closedWindow = TestConnection.frame(settings, [0, 4, 0, 0, 0, 0])

  @Test func openCallsEndAndTheConnectionCloses() throws {
    let test = TestConnection([silent])
    test.write(TestConnection.headers("/t/Silent", stream: 1))
    #expect(!test.hasEnded(1))
    test.connection.terminate("it is late")
    test.loop.run()
    #expect(test.hasEnded(1))
    let last = try #require(test.frames().last { $0.type == Self.goAway })
    // The last stream that was processed, and NO_ERROR.
    #expect(Array(last.payload.prefix(8)) == [0, 0, 0, 1, 0, 0, 0, 0])
    #expect(!test.isOpen)
  }

  /// An answer that is made already may still be read, for half a minute.
  @Test func aClientThatDoesNotReadIsNotWaitedForForEver() throws {
    let test = TestConnection([echo])
    test.write(Self.closedWindow)
    test.write(
      TestConnection.headers("/t/Echo", stream: 1)
        + TestConnection.data([ReceivedMessage(bytes: [1, 2, 3], isCompressed: false)], stream: 1))
    test.connection.terminate()
    test.loop.run()
    #expect(!test.hasEnded(1))
    test.loop.advanceTime(by: .seconds(29))
    #expect(test.isOpen)
    test.loop.advanceTime(by: .seconds(2))
    #expect(!test.isOpen)
  }

  @Test func aClientThatReadsItsAnswerHasItWhole() throws {
    let test = TestConnection([echo])
    test.write(Self.closedWindow)
    test.write(
      TestConnection.headers("/t/Echo", stream: 1)
        + TestConnection.data([ReceivedMessage(bytes: [1, 2, 3], isCompressed: false)], stream: 1))
    test.connection.terminate()
    test.loop.advanceTime(by: .seconds(20))
    // WINDOW_UPDATE.
    test.write(TestConnection.frame(8, stream: 1, [0, 0, 1, 0]))
    #expect(try test.messages(of: 1).map(\.bytes) == [[1, 2, 3]])
    #expect(test.hasEnded(1))
    #expect(!test.isOpen)
  }

  /// No call begins on a connection that is being ended.
  @Test func whatComesLaterIsRefused() throws {
    let test = TestConnection([echo, silent])
    test.write(Self.closedWindow)
    test.write(
      TestConnection.headers("/t/Echo", stream: 1)
        + TestConnection.data([ReceivedMessage(bytes: [1], isCompressed: false)], stream: 1))
    test.connection.terminate()
    test.write(TestConnection.headers("/t/Silent", stream: 3))
    #expect(!test.frames().contains { $0.type == 1 && $0.stream == 3 })
  }
}
