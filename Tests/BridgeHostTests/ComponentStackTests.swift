import Logging
import Testing

@testable import BridgeHost

@Suite struct ComponentStackTests {
  /// What happened, in order.
  private final class Trace {
    var events: [String] = []
  }

  private final class Part: HostComponent {
    let name: String
    private let trace: Trace
    private let failure: (any Error)?

    init(_ name: String, _ trace: Trace, failing failure: (any Error)? = nil) {
      self.name = name
      self.trace = trace
      self.failure = failure
    }

    func start() throws {
      trace.events.append("start \(name)")
      if let failure { throw failure }
    }

    func drain() { trace.events.append("drain \(name)") }
    func stop() { trace.events.append("stop \(name)") }
  }

  private let trace = Trace()
  private let stack = ComponentStack(
    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

  @Test func allDrainBeforeAnyStopsAndTheLastGoesFirst() throws {
    try stack.start(Part("a", trace))
    try stack.start(Part("b", trace))
    try stack.start(Part("c", trace))
    #expect(trace.events == ["start a", "start b", "start c"])
    trace.events = []
    stack.shutDown()
    #expect(trace.events == ["drain c", "drain b", "drain a", "stop c", "stop b", "stop a"])
  }

  @Test func aFailureInTheMiddleStopsWhatHadStarted() throws {
    struct Failure: Error {}
    try stack.start(Part("a", trace))
    try stack.start(Part("b", trace))
    #expect(throws: Failure.self) { try stack.start(Part("c", trace, failing: Failure())) }
    #expect(
      trace.events == [
        "start a", "start b", "start c", "drain b", "drain a", "stop b", "stop a",
      ])
  }

  @Test func nothingStopsTwice() throws {
    try stack.start(Part("a", trace))
    stack.shutDown()
    stack.shutDown()
    #expect(trace.events == ["start a", "drain a", "stop a"])
  }

  @Test func aPartComesBackAsWhatItIs() throws {
    let part: Part = try stack.start(Part("a", trace))
    #expect(part.name == "a")
  }
}
