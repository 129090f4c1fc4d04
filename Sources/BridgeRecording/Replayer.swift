internal import BridgeSessions
package import BridgeTools
internal import Threads

/// Runs calls of a record again, with the answers that the record has.
package struct Replayer: Sendable {
  private let tools: ToolHost
  /// What counts as a difference.
  package var comparison = CallComparison()
  /// How long a call may take: nanoseconds.
  package var timeout: Int64 = 30_000_000_000

  /// - Parameter tools: Has the plugin's tools.
  package init(_ tools: ToolHost) { self.tools = tools }

  /// What became of a call.
  package enum Result: Sendable {
    /// It does what it did.
    case same
    /// It does something else: the new run, and what it differs in.
    case different(RecordedCall, [CallDifference])
    /// It was not run, and why.
    case skipped(String)
  }

  /// Runs a call again and waits for its end.
  package func replay(_ call: RecordedCall) -> Result {
    if let obstacle = call.obstacle { return .skipped(obstacle) }
    // What takes long may do so by chance, once.
    for attempt in 1...Self.attempts {
      let new: RecordedCall
      do {
        new = try run(call)
      } catch {
        var refused = call
        refused.events = []
        refused.outcome = ToolOutcome(
          .failure(ToolFailure(code: 3, message: "\(error)", type: "not_called")))
        return .different(refused, comparison.differences(from: call, to: refused))
      }
      if let obstacle = new.obstacle { return .skipped("the new run was not kept: \(obstacle)") }
      let differences = comparison.differences(from: call, to: new)
      if differences.isEmpty { return .same }
      if differences.contains(where: { $0.kind != .time }) || attempt == Self.attempts {
        return .different(new, differences)
      }
    }
    return .same
  }

  private static let attempts = 3

  /// Runs a call, and takes it down as it was before.
  ///
  /// - Throws: `ToolsError` or `SessionError`: the tool does not take the call.
  private func run(_ call: RecordedCall) throws -> RecordedCall {
    guard let tool = tools.registry.catalog[call.tool] else {
      throw ToolsError(.toolNotFound, "the plugin has no tool \(call.tool)")
    }
    var searches = SearchBudget.ofTool()
    var request = ToolCall.Request(
      arguments: try Arguments(
        call.arguments.map { GivenArgument(name: $0.name, given: $0.value) },
        for: tool.description, &searches),
      metadata: call.metadata, isStreaming: call.isStreaming)
    let deadline = MonotonicClock.now.addingReportingOverflow(
      min(call.timeLeft ?? timeout, timeout))
    request.deadline = call.timeLeft == nil || deadline.overflow ? nil : deadline.partialValue
    let end = End()
    let tape = RecordingTape(
      tool.description, request, session: call.session, observer: end
    ) { end.call = $0 }
    let services = ReplayServices(call, threads: tools.threads)
    defer { services.end() }
    let running = try tools.start(
      try tools.registry.admit(call.tool), request, in: ReplaySession(services, tape),
      onEventLoop: false,
      observer: tape.observer)
    if end.wait(until: MonotonicClock.now + timeout) { return end.record(like: call) }
    running.cancel(.deadlineExceeded)
    // A process that does not end with its call is ended; one in this process is left behind.
    _ = end.wait(until: MonotonicClock.now + timeout)
    return end.record(like: call)
  }
}

/// Waits for the end of a call.
private final class End: ToolCallObserver {
  private let condition = Condition()
  private let state = Locked<RecordedCall?>(nil)

  var call: RecordedCall? {
    get { state.withLock(\.self) }
    set {
      condition.withLock {
        state.withLock { $0 = newValue }
        condition.broadcast()
      }
    }
  }

  func wait(until moment: Int64) -> Bool {
    condition.withLock {
      while call == nil {
        if !condition.wait(until: moment) { return call != nil }
      }
      return true
    }
  }

  /// The new run, in the place of an old one.
  func record(like old: RecordedCall) -> RecordedCall {
    guard var new = call else {
      var lost = old
      lost.events = []
      lost.outcome = ToolOutcome(
        .failure(
          ToolFailure(code: 4, message: "\(old.tool) does not end", type: "does_not_end")))
      return lost
    }
    (new.startedAt, new.depth, new.epoch) = (old.startedAt, old.depth, old.epoch)
    return new
  }

  func emitted(_ chunk: ToolValue) -> Bool { true }
  func progressed(_ fraction: Double, _ message: String) {}
  func finished(_ outcome: ToolOutcome) {}
}

/// The session of a replayed call.
private final class ReplaySession: ToolSession {
  private let services: ReplayServices
  private let tape: RecordingTape
  let id: String

  init(_ services: ReplayServices, _ tape: RecordingTape) {
    self.services = services
    self.tape = tape
    id = services.sessionID
  }

  func services(for tool: RunningTool, deadline: Int64?) -> any CallServices {
    tape.services(over: services)
  }

  func answersAtOnce(isReadOnly: Bool) -> Bool { true }
  func beginUse() {}
  func endUse() {}
}
