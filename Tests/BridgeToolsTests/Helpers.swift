import BridgeSessions
import Logging
import Threads

@testable import BridgeTools

/// A tool that is a closure.
struct ClosureTool: Tool {
  let description: ToolDescription
  let body: @Sendable (ToolCall) -> Void

  init(
    _ name: String, _ change: (inout ToolDescription) -> Void,
    _ body: @escaping @Sendable (ToolCall) -> Void
  ) {
    var description = ToolDescription(name: name, description: "", parameters: [], plugin: "test")
    change(&description)
    self.description = description
    self.body = body
  }

  init(_ name: String, _ body: @escaping @Sendable (ToolCall) -> Void) {
    self.init(name, { _ in }, body)
  }

  func run(_ call: ToolCall) { body(call) }
}

/// A provider of given tools that notes that it was retired.
final class TestProvider: ToolProvider {
  let id: String
  let name = "test"
  let version = "1"
  let tools: [any Tool]
  let retirements = Locked(0)

  init(_ id: String, _ tools: [any Tool]) {
    self.id = id
    self.tools = tools
  }

  func retire() { retirements.withLock { $0 += 1 } }
}

/// Gathers what a call does, and waits for its end.
final class Recorder: ToolCallObserver, Sendable {
  private let condition = Condition()
  private let state = Locked(
    (outcome: ToolOutcome?.none, chunks: [ToolValue](), progress: [Double]()))
  /// Whether a chunk leaves room for the next.
  private let hasRoom: Bool

  init(hasRoom: Bool = true) { self.hasRoom = hasRoom }

  func emitted(_ chunk: ToolValue) -> Bool {
    state.withLock { $0.chunks.append(chunk) }
    return hasRoom
  }

  func progressed(_ fraction: Double, _ message: String) {
    state.withLock { $0.progress.append(fraction) }
  }

  func finished(_ outcome: ToolOutcome) {
    let isFirst = state.withLock { state in
      defer { state.outcome = outcome }
      return state.outcome == nil
    }
    precondition(isFirst, "a call ended twice")
    condition.withLock { condition.broadcast() }
  }

  var chunks: [ToolValue] { state.withLock(\.chunks) }
  var progress: [Double] { state.withLock(\.progress) }
  var isFinished: Bool { state.withLock { $0.outcome != nil } }

  func wait() -> ToolOutcome {
    condition.withLock {
      while true {
        if let outcome = state.withLock(\.outcome) { return outcome }
        condition.wait()
      }
    }
  }
}

/// A host with tools, and a session.
struct TestHost {
  let host: ToolHost
  let session: Session

  init(
    _ tools: [any Tool], configuration: ToolThreads.Configuration = .init()
  ) throws {
    host = ToolHost(
      configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    session = try SessionStore().create("s")
    try host.registry.register(TestProvider("test", tools))
  }

  @discardableResult
  func start(
    _ name: String, deadline: Int64? = nil, isStreaming: Bool = false, onEventLoop: Bool = false,
    client: UInt64? = nil, recorder: Recorder
  ) throws -> ToolCall {
    let tool = try host.registry.admit(name)
    return try host.start(
      tool,
      ToolCall.Request(
        arguments: Arguments(checked: [:]), deadline: deadline, isStreaming: isStreaming,
        client: client),
      in: session, onEventLoop: onEventLoop, observer: recorder)
  }

  /// Waits until no call counts as running: the observer hears of a call's end a moment before.
  func waitUntilIdle() {
    while host.registry.generations.contains(where: { $0.state != .admitting(calls: 0) }) {}
  }

  func run(_ name: String, onEventLoop: Bool = false) throws -> ToolOutcome {
    let recorder = Recorder()
    try start(name, onEventLoop: onEventLoop, recorder: recorder)
    return recorder.wait()
  }
}

extension ToolOutcome {
  var failure: ToolFailure? { if case .failure(let failure) = result { failure } else { nil } }

  var integer: Int64? {
    if case .success(.value(.integer(let number), _)) = result { number } else { nil }
  }
}

extension ToolCall {
  func answer(_ number: Int64) { finish(.success(.value(.integer(number), .integer))) }
}

/// A thing to wait for.
final class Gate: Sendable {
  private let condition = Condition()
  private let isOpen = Locked(false)

  func open() {
    isOpen.withLock { $0 = true }
    condition.withLock { condition.broadcast() }
  }

  func wait() { condition.withLock { while !isOpen.withLock({ $0 }) { condition.wait() } } }
}
